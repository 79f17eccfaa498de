/** Interprets what follows as a command; doubled, it is a byte of data (RFC 854). */
const IAC = 0xff;
const SUBNEGOTIATION = 0xfa;
const SUBNEGOTIATION_END = 0xf0;

/** The four commands that negotiate options. */
export const TelnetCommand = { WILL: 0xfb, WONT: 0xfc, DO: 0xfd, DONT: 0xfe } as const;

/** Bytes of a subnegotiation that are kept: none of ours is longer. */
const SUBNEGOTIATION_MAX = 64;

/** What a Telnet connection carries, in order. */
export type TelnetPart =
  | { readonly type: "data"; readonly bytes: Uint8Array }
  /** One of {@link TelnetCommand} and an option. */
  | { readonly type: "negotiation"; readonly command: number; readonly option: number }
  | { readonly type: "subnegotiation"; readonly option: number; readonly bytes: Uint8Array };

type State = "data" | "command" | "option" | "subnegotiation" | "subnegotiation-command";

/** Takes a Telnet connection apart (RFC 854, 855), in whatever pieces it comes. Other commands count for nothing. */
export class TelnetDecoder {
  #state: State = "data";
  #command = 0;
  #subnegotiation: number[] = [];

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

  /** A byte that is no data. @returns What it completes. */
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

/** Data as it goes over a Telnet connection: FF doubled. */
export function escapeTelnet(bytes: Uint8Array): Uint8Array {
  return bytes.includes(IAC)
    ? Uint8Array.from([...bytes].flatMap((byte) => (byte === IAC ? [IAC, IAC] : byte)))
    : bytes;
}

/** The bytes of a negotiation. */
export function buildNegotiation(command: number, option: number): Uint8Array {
  return Uint8Array.of(IAC, command, option);
}

/** The bytes of a subnegotiation. */
export function buildSubnegotiation(option: number, bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([IAC, SUBNEGOTIATION, option, ...escapeTelnet(bytes), IAC, SUBNEGOTIATION_END]);
}

function isNegotiation(command: number): boolean {
  return command >= TelnetCommand.WILL && command <= TelnetCommand.DONT;
}
