import { concatBytes, viewOf } from "@tinybms/ota-core";
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
import { portUnusable } from "../line/port-faults.ts";
import { BAUD_RATE_DEFAULT, type SerialLine, type Signals } from "../line/serial-line.ts";
import { SIGNALS_WHEN_OPENED, signalPath } from "../line/signal-path.ts";
import { connectTo, type NetworkAddress, NetworkLine } from "./socket-line.ts";

/** Time limit for a server's answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 3000;

const { WILL, WONT, DO, DONT } = TelnetCommand;
const { COM_PORT } = TelnetOption;
const OPTIONS: readonly number[] = Object.values(TelnetOption);

/** Options that the client offers when it connects: binary in both directions, and the COM port options. */
const GREETING: Uint8Array = concatBytes(
  OPTIONS.flatMap((option) => [buildNegotiation(WILL, option), buildNegotiation(DO, option)]),
);

/**
 * Connects to a serial port on an RFC 2217 server, `rfc2217://HOST:PORT`, with control lines and baud rate.
 *
 * @throws {@link OtaError} `serial/port-not-found`.
 * @throws {@link OtaError} `serial/port-unusable`.
 */
export async function openRfc2217Line(
  address: NetworkAddress,
  baudRate: number = BAUD_RATE_DEFAULT,
): Promise<SerialLine> {
  const name = `rfc2217://${address.host}:${address.port}`;
  const line = new Rfc2217Line(await connectTo(address, name), name);
  try {
    await line.begin(baudRate);
    return line;
  } catch (error) {
    await line.close();
    throw error;
  }
}

class Rfc2217Line extends NetworkLine implements SerialLine {
  readonly hasSignals = true;
  readonly hasBaudRate = true;
  readonly #telnet = new TelnetDecoder();
  /** Pending requests, by command. */
  readonly #waiting = new Map<number, () => void>();
  #signals: Signals = SIGNALS_WHEN_OPENED;

  async begin(baudRate: number): Promise<void> {
    await super.write(GREETING);
    await this.setBaudRate(baudRate);
    await this.#request(ComPort.SET_DATASIZE, Uint8Array.of(8));
    await this.#request(ComPort.SET_PARITY, Uint8Array.of(1));
    await this.#request(ComPort.SET_STOPSIZE, Uint8Array.of(1));
    await this.#control(ComPortControl.NO_FLOW_CONTROL);
    await this.setSignals({ dtr: false, rts: false });
  }

  override write(bytes: Uint8Array): Promise<void> {
    return super.write(escapeTelnet(bytes));
  }

  /** Sets the lines without waiting for an answer: Espressif's server sends none. TCP keeps the order. */
  async setSignals(signals: Signals): Promise<void> {
    let before = this.#signals;
    this.#signals = signals;
    const { DTR_ON, DTR_OFF, RTS_ON, RTS_OFF } = ComPortControl;
    for (const state of signalPath(before, signals)) {
      const isDtr = state.dtr !== before.dtr;
      await this.#control(isDtr ? (state.dtr ? DTR_ON : DTR_OFF) : state.rts ? RTS_ON : RTS_OFF);
      before = state;
    }
  }

  setBaudRate(baudRate: number): Promise<void> {
    const value = new Uint8Array(4);
    viewOf(value).setUint32(0, baudRate);
    return this.#request(ComPort.SET_BAUDRATE, value);
  }

  #control(value: number): Promise<void> {
    return this.#send(ComPort.SET_CONTROL, Uint8Array.of(value));
  }

  #send(command: number, value: Uint8Array): Promise<void> {
    const bytes = buildSubnegotiation(COM_PORT, Uint8Array.of(command, ...value));
    return super.write(bytes);
  }

  async #request(command: number, value: Uint8Array): Promise<void> {
    const answered = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(portUnusable(this.port, "the server does not answer as RFC 2217 requires")),
        ANSWER_TIMEOUT_MS,
      );
      this.#waiting.set(command, () => {
        clearTimeout(timer);
        resolve();
      });
    });
    await Promise.all([this.#send(command, value), answered]);
    this.received.assertSound();
  }

  protected override take(bytes: Uint8Array): void {
    for (const part of this.#telnet.push(bytes)) {
      if (part.type === "data") this.received.push(part.bytes);
      else if (part.type === "negotiation") this.#negotiate(part);
      else if (part.option === COM_PORT) this.#answer((part.bytes[0] ?? 0) - COM_PORT_ANSWER);
    }
  }

  /** Answers nothing if the server agrees to the offered options, and refuses all other options. */
  #negotiate({ command, option }: Extract<TelnetPart, { type: "negotiation" }>): void {
    if (OPTIONS.includes(option)) {
      if (option !== COM_PORT || command === WILL || command === DO) return;
      this.end(portUnusable(this.port, "the server does not support RFC 2217; socket:// may work"));
    } else if (command === DO || command === WILL) {
      this.socket.write(buildNegotiation(command === DO ? WONT : DONT, option));
    }
  }

  #answer(command: number): void {
    this.#waiting.get(command)?.();
    this.#waiting.delete(command);
  }

  protected override end(fault: Error): void {
    super.end(fault);
    for (const command of this.#waiting.keys()) this.#answer(command);
  }
}
