import type { Socket } from "node:net";
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
import { elapse, ReceiveBuffer } from "../line/receive-buffer.ts";
import { BAUD_RATE_DEFAULT, type SerialLine, type Signals } from "../line/serial-line.ts";
import { SIGNALS_WHEN_OPENED, signalPath } from "../line/signal-path.ts";
import { closeSocket, connectTo, endOf, type NetworkAddress, writeTo } from "./socket-line.ts";

/** How long a server may take to answer a request, in milliseconds. */
const ANSWER_TIMEOUT_MS = 3000;

const { WILL, WONT, DO, DONT } = TelnetCommand;
const { COM_PORT } = TelnetOption;
const OPTIONS: readonly number[] = Object.values(TelnetOption);

/** What a client offers when it connects: binary both ways, and the options of the port. */
const GREETING: Uint8Array = concatBytes(
  OPTIONS.flatMap((option) => [buildNegotiation(WILL, option), buildNegotiation(DO, option)]),
);

/**
 * Connects to a serial port behind a server of RFC 2217, `rfc2217://HOST:PORT`: with control lines and rate.
 *
 * @throws {@link OtaError} `serial/port-not-found` or `serial/port-unusable`.
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

class Rfc2217Line implements SerialLine {
  readonly port: string;
  readonly usb = undefined;
  readonly hasSignals = true;
  readonly canSetSignalsTogether = false;
  readonly hasBaudRate = true;
  readonly #socket: Socket;
  readonly #received = new ReceiveBuffer();
  readonly #telnet = new TelnetDecoder();
  /** Requests that wait for their answer, by command. */
  readonly #waiting = new Map<number, () => void>();
  #signals: Signals = SIGNALS_WHEN_OPENED;

  constructor(socket: Socket, name: string) {
    this.port = name;
    this.#socket = socket;
    socket.on("data", (bytes) => this.#take(bytes));
    socket.on("error", (cause) => this.#end(endOf(socket, name, cause)));
    socket.on("close", () => this.#end(endOf(socket, name)));
  }

  async begin(baudRate: number): Promise<void> {
    await writeTo(this.#socket, GREETING, this.#received);
    await this.setBaudRate(baudRate);
    await this.#request(ComPort.SET_DATASIZE, Uint8Array.of(8));
    await this.#request(ComPort.SET_PARITY, Uint8Array.of(1));
    await this.#request(ComPort.SET_STOPSIZE, Uint8Array.of(1));
    await this.#control(ComPortControl.NO_FLOW_CONTROL);
    await this.setSignals({ dtr: false, rts: false });
  }

  write(bytes: Uint8Array): Promise<void> {
    return writeTo(this.#socket, escapeTelnet(bytes), this.#received);
  }

  read(timeoutMs: number): Promise<Uint8Array> {
    return this.#received.take(timeoutMs);
  }

  /** Not waited for: Espressif's server answers no control line, and what follows takes the same way. */
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

  wait(ms: number): Promise<void> {
    return elapse(ms);
  }

  now(): number {
    return performance.now();
  }

  close(): Promise<void> {
    return closeSocket(this.#socket);
  }

  #control(value: number): Promise<void> {
    return this.#send(ComPort.SET_CONTROL, Uint8Array.of(value));
  }

  #send(command: number, value: Uint8Array): Promise<void> {
    const bytes = buildSubnegotiation(COM_PORT, Uint8Array.of(command, ...value));
    return writeTo(this.#socket, bytes, this.#received);
  }

  async #request(command: number, value: Uint8Array): Promise<void> {
    const answered = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(portUnusable(this.port, "the server doesn't answer as RFC 2217 says")),
        ANSWER_TIMEOUT_MS,
      );
      this.#waiting.set(command, () => {
        clearTimeout(timer);
        resolve();
      });
    });
    await Promise.all([this.#send(command, value), answered]);
    this.#received.assertSound();
  }

  #take(bytes: Uint8Array): void {
    for (const part of this.#telnet.push(bytes)) {
      if (part.type === "data") this.#received.push(part.bytes);
      else if (part.type === "negotiation") this.#negotiate(part);
      else if (part.option === COM_PORT) this.#answer((part.bytes[0] ?? 0) - COM_PORT_ANSWER);
    }
  }

  /** Stays silent when the server agrees to what the greeting offers, and refuses everything else. */
  #negotiate({ command, option }: Extract<TelnetPart, { type: "negotiation" }>): void {
    if (OPTIONS.includes(option)) {
      if (option !== COM_PORT || command === WILL || command === DO) return;
      this.#end(portUnusable(this.port, "the server is none of RFC 2217; socket:// may do"));
    } else if (command === DO || command === WILL) {
      this.#socket.write(buildNegotiation(command === DO ? WONT : DONT, option));
    }
  }

  #answer(command: number): void {
    this.#waiting.get(command)?.();
    this.#waiting.delete(command);
  }

  #end(fault: Error): void {
    this.#received.fail(fault);
    for (const command of this.#waiting.keys()) this.#answer(command);
  }
}
