import { viewOf } from "@tinybms/ota-core";

const IAC = 255;
const SE = 240;
const SB = 250;
const WILL = 251;
const WONT = 252;
const DO = 253;
const DONT = 254;

/** Options: RFC 856 BINARY, RFC 858 SUPPRESS-GO-AHEAD, RFC 2217 COM-PORT-OPTION. */
const BINARY = 0;
const SUPPRESS_GO_AHEAD = 3;
const COM_PORT = 44;
const OURS: readonly number[] = [BINARY, SUPPRESS_GO_AHEAD, COM_PORT];

/** A request of COM-PORT-OPTION, client to server (RFC 2217 section 3); the server answers with 100 more. */
export const ComPort = {
  SET_BAUDRATE: 1,
  SET_DATASIZE: 2,
  SET_PARITY: 3,
  SET_STOPSIZE: 4,
  SET_CONTROL: 5,
  PURGE_DATA: 12,
} as const;

/** Values of SET_CONTROL. */
export const ComPortControl = { NO_FLOW_CONTROL: 1, DTR_ON: 8, DTR_OFF: 9, RTS_ON: 11, RTS_OFF: 12 } as const;

/** A command of a COM-PORT-OPTION subnegotiation as it was answered. */
export interface ComPortAnswer {
  readonly command: number;
  readonly value: Uint8Array;
}

/** What bytes of a telnet connection held. */
export interface TelnetInput {
  /** For whoever reads the port. */
  readonly data: Uint8Array;
  /** To be sent back: answers to negotiations. */
  readonly reply: Uint8Array;
  readonly answers: readonly ComPortAnswer[];
  /** Whether the other end has refused COM-PORT-OPTION: it is no RFC 2217 server. */
  readonly isRefused: boolean;
}

/** What a client offers when it connects: binary both ways, and the options of the port. */
export function telnetGreeting(): Uint8Array {
  return Uint8Array.from(OURS.flatMap((option) => [IAC, WILL, option, IAC, DO, option]));
}

/** Data with what telnet would take for a command doubled. */
export function escapeTelnet(bytes: Uint8Array): Uint8Array {
  const count = bytes.reduce((sum, byte) => sum + (byte === IAC ? 1 : 0), 0);
  if (count === 0) return bytes;
  const escaped = new Uint8Array(bytes.length + count);
  let offset = 0;
  for (const byte of bytes) {
    escaped[offset++] = byte;
    if (byte === IAC) escaped[offset++] = IAC;
  }
  return escaped;
}

/** A request of COM-PORT-OPTION. */
export function comPortRequest(command: number, value: Uint8Array): Uint8Array {
  return Uint8Array.from([IAC, SB, COM_PORT, command, ...escapeTelnet(value), IAC, SE]);
}

/** A uint32 as RFC 2217 has it, in network order. */
export function networkWord(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value);
  return bytes;
}

/** A negotiation longer than this is none, in bytes. */
const SUBNEGOTIATION_MAX = 64;

/** Reads a telnet connection to an RFC 2217 server, cut into pieces anywhere. */
export class TelnetReader {
  #state: "data" | "command" | "option" | "inside" | "inside-command" = "data";
  #verb = 0;
  #inside: number[] = [];

  /** Takes the next bytes of the connection. */
  push(bytes: Uint8Array): TelnetInput {
    const [data, reply, answers]: [number[], number[], ComPortAnswer[]] = [[], [], []];
    let isRefused = false;
    for (const byte of bytes) {
      switch (this.#state) {
        case "data":
          if (byte === IAC) this.#state = "command";
          else data.push(byte);
          break;
        case "command":
          this.#state = "data";
          if (byte === IAC) data.push(IAC);
          else if (byte === SB) this.#begin();
          else if (byte >= WILL) {
            this.#verb = byte;
            this.#state = "option";
          }
          break;
        case "option":
          this.#state = "data";
          reply.push(...answerTo(this.#verb, byte));
          if (byte === COM_PORT && (this.#verb === DONT || this.#verb === WONT)) isRefused = true;
          break;
        case "inside":
          if (byte === IAC) this.#state = "inside-command";
          else this.#keep(byte);
          break;
        case "inside-command":
          this.#state = byte === SE ? "data" : "inside";
          if (byte === IAC) this.#keep(IAC);
          if (byte === SE && this.#inside[0] === COM_PORT) answers.push(answerOf(this.#inside));
          break;
      }
    }
    return { data: Uint8Array.from(data), reply: Uint8Array.from(reply), answers, isRefused };
  }

  #begin(): void {
    this.#inside = [];
    this.#state = "inside";
  }

  #keep(byte: number): void {
    if (this.#inside.length < SUBNEGOTIATION_MAX) this.#inside.push(byte);
  }
}

function answerOf([, command = 0, ...value]: readonly number[]): ComPortAnswer {
  return { command: command - 100, value: Uint8Array.from(value) };
}

/** What we offered we keep silent about when it is agreed to; all else is refused. */
function answerTo(verb: number, option: number): readonly number[] {
  if (OURS.includes(option)) return [];
  if (verb === DO) return [IAC, WONT, option];
  return verb === WILL ? [IAC, DONT, option] : [];
}
