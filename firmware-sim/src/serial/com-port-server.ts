import { viewOf } from "@tinybms/ota-core";
import {
  buildNegotiation,
  buildSubnegotiation,
  COM_PORT_ANSWER,
  ComPort,
  ComPortControl,
  escapeTelnet,
  TelnetCommand,
  TelnetDecoder,
  TelnetOption,
  type TelnetPart,
} from "@tinybms/ota-core/serial";
import type { SerialSignals } from "../rom/reset-circuit.ts";

/** Telnet options that the server accepts. */
const OPTIONS: readonly number[] = Object.values(TelnetOption);

/** CTS, DSR, RI and CD, and their changes. A board drives none of them. */
const MODEM_STATE = 0;

const SIGNATURE_TEXT: readonly number[] = [...new TextEncoder().encode("tinybms-sim")];

/** Values of SET_CONTROL that set a control line. The server confirms others, such as flow control, without effect. */
const CONTROL_LINES: ReadonlyMap<number, Partial<SerialSignals>> = new Map([
  [ComPortControl.DTR_ON, { dtr: true }],
  [ComPortControl.DTR_OFF, { dtr: false }],
  [ComPortControl.RTS_ON, { rts: true }],
  [ComPortControl.RTS_OFF, { rts: false }],
]);

/** Action of the server, in order. */
export type ComPortAction =
  /** To the client. */
  | { readonly type: "answer"; readonly bytes: Uint8Array }
  /** To the serial port. */
  | { readonly type: "write"; readonly bytes: Uint8Array }
  | { readonly type: "signals"; readonly signals: Partial<SerialSignals> }
  | { readonly type: "baud-rate"; readonly baudRate: number };

/**
 * Server side of a serial port over Telnet (RFC 2217). Takes bytes from the client and returns actions.
 *
 * A client that releases reset late would miss the time in which the boot pin is read. So the server recognizes the first
 * half of the sequence into the loader (DTR asserted while RTS holds the board in reset) and completes it at once.
 */
export class ComPortServer {
  readonly #decoder: TelnetDecoder = new TelnetDecoder();
  /** Answered negotiations: command and option. */
  readonly #agreed: Set<string> = new Set();
  #signals: SerialSignals = { dtr: true, rts: true };

  /** Handles bytes from the client. */
  receive(bytes: Uint8Array): ComPortAction[] {
    return this.#decoder.push(bytes).flatMap((part) => this.#act(part));
  }

  /** Escapes bytes of the serial port for the client. */
  send(bytes: Uint8Array): Uint8Array {
    return escapeTelnet(bytes);
  }

  #act(part: TelnetPart): readonly ComPortAction[] {
    switch (part.type) {
      case "data":
        return [{ type: "write", bytes: part.bytes }];
      case "negotiation":
        return this.#negotiate(part.command, part.option);
      case "subnegotiation":
        return part.option === TelnetOption.COM_PORT ? this.#command(part.bytes) : [];
      default:
        return part satisfies never;
    }
  }

  /** Answers each negotiation once, so that two peers that agree don't loop. */
  #negotiate(command: number, option: number): readonly ComPortAction[] {
    const isOffer = command === TelnetCommand.WILL;
    if (!isOffer && command !== TelnetCommand.DO) return [];
    const key = `${command} ${option}`;
    if (this.#agreed.has(key)) return [];
    this.#agreed.add(key);
    const isKnown = OPTIONS.includes(option);
    const [agree, refuse] = isOffer ? [TelnetCommand.DO, TelnetCommand.DONT] : [TelnetCommand.WILL, TelnetCommand.WONT];
    const answer = { type: "answer", bytes: buildNegotiation(isKnown ? agree : refuse, option) } as const;
    // From this offer on, clients expect the modem state. Those that check CTS rely on it.
    return isOffer && option === TelnetOption.COM_PORT ? [answer, this.#modemState()] : [answer];
  }

  #command(bytes: Uint8Array): readonly ComPortAction[] {
    const [command = 0, value] = bytes;
    const actions: ComPortAction[] = [];
    if (command === ComPort.SET_BAUDRATE && bytes.length === 5) {
      const baudRate = viewOf(bytes).getUint32(1);
      if (baudRate > 0) actions.push({ type: "baud-rate", baudRate });
    }
    if (command === ComPort.SET_CONTROL) actions.push(...this.#control(value ?? 0));
    if (command > ComPort.PURGE_DATA) return actions;
    // pySerial requests the current state with it.
    if (command === ComPort.NOTIFY_MODEMSTATE) return [this.#modemState()];
    const answer = command === ComPort.SIGNATURE ? SIGNATURE_TEXT : bytes.subarray(1);
    const frame = buildSubnegotiation(TelnetOption.COM_PORT, Uint8Array.from([command + COM_PORT_ANSWER, ...answer]));
    actions.push({ type: "answer", bytes: frame });
    return command === ComPort.SET_MODEMSTATE_MASK ? [...actions, this.#modemState()] : actions;
  }

  #modemState(): ComPortAction {
    const bytes = Uint8Array.of(ComPort.NOTIFY_MODEMSTATE + COM_PORT_ANSWER, MODEM_STATE);
    return { type: "answer", bytes: buildSubnegotiation(TelnetOption.COM_PORT, bytes) };
  }

  #control(value: number): readonly ComPortAction[] {
    const wanted = CONTROL_LINES.get(value);
    if (wanted === undefined) return [];
    const isHeld = this.#signals.rts && !this.#signals.dtr;
    this.#signals = { ...this.#signals, ...wanted };
    const entersLoader = isHeld && wanted.dtr === true;
    return [{ type: "signals", signals: entersLoader ? { dtr: true, rts: false } : wanted }];
  }
}
