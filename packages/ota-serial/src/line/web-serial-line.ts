import { portBusy, portLost, portUnusable } from "./port-faults.ts";
import { elapse, ReceiveBuffer } from "./receive-buffer.ts";
import type { SerialLine, Signals, UsbIdentity } from "./serial-line.ts";
import { SIGNALS_WHEN_OPENED, signalPath } from "./signal-path.ts";

/** The used part of `SerialPort` in the Web Serial API (https://wicg.github.io/serial/). */
export interface WebSerialPort {
  readonly readable: ReadableStream<Uint8Array> | null;
  readonly writable: WritableStream<Uint8Array> | null;
  getInfo(): { readonly usbVendorId?: number; readonly usbProductId?: number };
  open(options: { readonly baudRate: number; readonly bufferSize?: number }): Promise<void>;
  close(): Promise<void>;
  setSignals(signals: { readonly dataTerminalReady?: boolean; readonly requestToSend?: boolean }): Promise<void>;
}

/** Size of the browser's receive buffer in bytes. Its default of 255 loses bytes at high baud rates. */
const BUFFER_SIZE = 65_536;

/**
 * Opens a port from `navigator.serial.requestPort()`.
 *
 * @param port - Port that is not open.
 * @param name - Name for messages.
 * @throws {@link OtaError} `serial/port-busy`.
 * @throws {@link OtaError} `serial/port-unusable`.
 */
export async function openWebSerialLine(
  port: WebSerialPort,
  baudRate: number,
  name = "the serial port",
): Promise<SerialLine> {
  try {
    await port.open({ baudRate, bufferSize: BUFFER_SIZE });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "NetworkError") throw portBusy(name, cause);
    throw portUnusable(name, cause instanceof Error ? cause.message : String(cause), cause);
  }
  return new WebSerialLine(port, name);
}

class WebSerialLine implements SerialLine {
  readonly port: string;
  readonly usb: UsbIdentity | undefined;
  readonly hasSignals = true;
  readonly canSetSignalsTogether = true;
  readonly hasBaudRate = true;
  readonly #port: WebSerialPort;
  #received = new ReceiveBuffer();
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #pumped: Promise<void> = Promise.resolve();
  #signals: Signals = SIGNALS_WHEN_OPENED;

  constructor(port: WebSerialPort, name: string) {
    this.#port = port;
    this.port = name;
    const { usbVendorId: vendorId, usbProductId: productId } = port.getInfo();
    this.usb = vendorId === undefined || productId === undefined ? undefined : { vendorId, productId };
    this.#begin();
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#received.assertSound();
    const writer = this.#port.writable?.getWriter();
    if (writer === undefined) throw portLost(this.port);
    try {
      await writer.write(bytes);
    } catch (cause) {
      throw portLost(this.port, cause);
    } finally {
      writer.releaseLock();
    }
  }

  read(timeoutMs: number): Promise<Uint8Array> {
    return this.#received.take(timeoutMs);
  }

  async setSignals(signals: Signals): Promise<void> {
    this.#received.assertSound();
    // Browsers may set the lines one after the other, so only opposite levels are set in one call.
    const path = signals.dtr === signals.rts ? signalPath(this.#signals, signals) : [signals];
    this.#signals = signals;
    for (const { dtr, rts } of path) await this.#port.setSignals({ dataTerminalReady: dtr, requestToSend: rts });
  }

  /**
   * Changes the baud rate. The API can't do that while the port is open, so this method reopens the port and restores its
   * control lines.
   */
  async setBaudRate(baudRate: number): Promise<void> {
    await this.#end();
    await this.#port.close();
    await this.#port.open({ baudRate, bufferSize: BUFFER_SIZE });
    this.#received = new ReceiveBuffer();
    this.#begin();
    const signals = this.#signals;
    this.#signals = SIGNALS_WHEN_OPENED;
    await this.setSignals(signals);
  }

  wait(ms: number): Promise<void> {
    return elapse(ms);
  }

  now(): number {
    return performance.now();
  }

  async close(): Promise<void> {
    await this.#end();
    await this.#port.close();
  }

  #begin(): void {
    this.#reader = this.#port.readable?.getReader();
    this.#pumped = this.#pump(this.#reader, this.#received);
  }

  async #end(): Promise<void> {
    await this.#reader?.cancel().catch(() => undefined);
    await this.#pumped;
  }

  async #pump(reader: ReadableStreamDefaultReader<Uint8Array> | undefined, received: ReceiveBuffer): Promise<void> {
    try {
      for (let part = await reader?.read(); part?.done === false; part = await reader?.read())
        received.push(part.value);
      received.fail(portLost(this.port));
    } catch (cause) {
      received.fail(portLost(this.port, cause));
    } finally {
      reader?.releaseLock();
    }
  }
}
