/** Interprets what follows as a command; doubled, it is a byte of data (RFC 854). */
const IAC = 0xff;
const SUBNEGOTIATION = 0xfa;
const SUBNEGOTIATION_END = 0xf0;

/** The four commands that negotiate options. */
export const TelnetCommand = { WILL: 0xfb, WONT: 0xfc, DO: 0xfd, DONT: 0xfe } as const;

/** Options of a serial port behind Telnet: RFC 856, RFC 858, RFC 2217. */
export const TelnetOption = { BINARY: 0, SUPPRESS_GO_AHEAD: 3, COM_PORT: 44 } as const;

/** Commands of the client in a subnegotiation of COM_PORT (RFC 2217 section 3). */
export const ComPort = {
  SIGNATURE: 0,
  SET_BAUDRATE: 1,
  SET_DATASIZE: 2,
  SET_PARITY: 3,
  SET_STOPSIZE: 4,
  SET_CONTROL: 5,
  NOTIFY_MODEMSTATE: 7,
  SET_MODEMSTATE_MASK: 11,
  PURGE_DATA: 12,
} as const;

/** The server's answer to a {@link ComPort} command is the command plus this number. */
export const COM_PORT_ANSWER = 100;

/** Values of SET_CONTROL. */
export const ComPortControl = { NO_FLOW_CONTROL: 1, DTR_ON: 8, DTR_OFF: 9, RTS_ON: 11, RTS_OFF: 12 } as const;

/** Maximum number of bytes kept of a subnegotiation; those of a serial port are shorter. */
const SUBNEGOTIATION_MAX = 64;

/** Part of what a Telnet connection carries. */
export type TelnetPart =
  | { readonly type: "data"; readonly bytes: Uint8Array }
  /** One of {@link TelnetCommand} and an option. */
  | { readonly type: "negotiation"; readonly command: number; readonly option: number }
  | { readonly type: "subnegotiation"; readonly option: number; readonly bytes: Uint8Array };

type State = "data" | "command" | "option" | "subnegotiation" | "subnegotiation-command";

/** Splits the bytes of a Telnet connection into its parts (RFC 854, RFC 855). Ignores other commands. */
export class TelnetDecoder {
  #state: State = "data";
  #command = 0;
  #subnegotiation: number[] = [];

  /** Takes the next bytes of the connection and returns the parts that they complete. */
  push(bytes: Uint8Array): TelnetPart[] {
    const parts: TelnetPart[] = [];
    let data: number[] = [];
    const endData = () => {
      if (data.length > 0) parts.push({ type: "data", bytes: Uint8Array.from(data) });
      data = [];
    };
    for (const byte of bytes) {
      if (this.#state === "data" && byte !== IAC) {
        data.push(byte);
        continue;
      }
      if (this.#state === "command" && byte === IAC) {
        data.push(byte);
        this.#state = "data";
        continue;
      }
      const part = this.#take(byte);
      if (part === undefined) continue;
      endData();
      parts.push(part);
    }
    endData();
    return parts;
  }

  /** Takes a byte that is not data. @returns The part that it completes. */
  #take(byte: number): TelnetPart | undefined {
    switch (this.#state) {
      case "data":
        this.#state = "command";
        return undefined;
      case "command":
        this.#command = byte;
        this.#subnegotiation = [];
        this.#state = byte === SUBNEGOTIATION ? "subnegotiation" : isNegotiation(byte) ? "option" : "data";
        return undefined;
      case "option":
        this.#state = "data";
        return { type: "negotiation", command: this.#command, option: byte };
      case "subnegotiation":
        if (byte === IAC) this.#state = "subnegotiation-command";
        else this.#keep(byte);
        return undefined;
      case "subnegotiation-command":
        return this.#endOrEscape(byte);
      default:
        return this.#state satisfies never;
    }
  }

  #endOrEscape(byte: number): TelnetPart | undefined {
    this.#state = byte === IAC ? "subnegotiation" : "data";
    if (byte === IAC) this.#keep(byte);
    const [option, ...rest] = this.#subnegotiation;
    if (byte !== SUBNEGOTIATION_END || option === undefined) return undefined;
    return { type: "subnegotiation", option, bytes: Uint8Array.from(rest) };
  }

  #keep(byte: number): void {
    if (this.#subnegotiation.length <= SUBNEGOTIATION_MAX) this.#subnegotiation.push(byte);
  }
}

/** Returns data as it is sent over a Telnet connection: each byte FF twice. */
export function escapeTelnet(bytes: Uint8Array): Uint8Array {
  return bytes.includes(IAC)
    ? Uint8Array.from([...bytes].flatMap((byte) => (byte === IAC ? [IAC, IAC] : byte)))
    : bytes;
}

/** Builds a negotiation: one of {@link TelnetCommand} and an option. */
export function buildNegotiation(command: number, option: number): Uint8Array {
  return Uint8Array.of(IAC, command, option);
}

/** Builds a subnegotiation. */
export function buildSubnegotiation(option: number, bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([IAC, SUBNEGOTIATION, option, ...escapeTelnet(bytes), IAC, SUBNEGOTIATION_END]);
}

function isNegotiation(command: number): boolean {
  return command >= TelnetCommand.WILL && command <= TelnetCommand.DONT;
}
