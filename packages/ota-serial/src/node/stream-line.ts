import { SerialPortStream } from "@serialport/stream";
import type { OtaError } from "@tinybms/ota-core";
import { permissionDenied, portBusy, portLost, portNotFound, portUnusable } from "../line/port-faults.ts";
import { elapse, ReceiveBuffer } from "../line/receive-buffer.ts";
import { BAUD_RATE_DEFAULT, type SerialLine, type Signals, type UsbIdentity } from "../line/serial-line.ts";
import { SIGNALS_WHEN_OPENED, signalPath } from "../line/signal-path.ts";
import { type SerialBinding, usbOf } from "./native-binding.ts";

/** Options of {@link openStreamLine}. */
export interface StreamLineOptions {
  /** @defaultValue 115200 */
  readonly baudRate?: number;
  /**
   * USB ids of the adapter, which determine how the board is reset.
   *
   * @defaultValue The ids that the stream's binding lists for the path
   */
  readonly usb?: UsbIdentity | undefined;
}

/**
 * Opens a port of a serialport binding and releases both control lines, so that the board is not reset.
 *
 * @param binding - serialport's binding for this system ({@link nativeBinding}) or another one.
 * @throws {@link OtaError} The codes of {@link openStreamLine}.
 */
export function openBindingLine(
  binding: SerialBinding,
  path: string,
  options: StreamLineOptions = {},
): Promise<SerialLine> {
  const { baudRate = BAUD_RATE_DEFAULT } = options;
  return openStreamLine(new SerialPortStream({ binding, path, baudRate, autoOpen: false }), options);
}

/**
 * Wraps a `SerialPortStream`, such as serialport's `SerialPort`, as a line. Opens the stream if it is not open, sets its
 * baud rate and releases both control lines, so that the board is not reset. Closing the line closes the stream.
 *
 * @throws {@link OtaError} `serial/port-not-found`.
 * @throws {@link OtaError} `serial/permission-denied`.
 * @throws {@link OtaError} `serial/port-busy`.
 * @throws {@link OtaError} `serial/port-unusable`.
 */
export async function openStreamLine(stream: SerialPortStream, options: StreamLineOptions = {}): Promise<SerialLine> {
  const { baudRate = BAUD_RATE_DEFAULT } = options;
  const usb = "usb" in options ? options.usb : await usbOf(stream.path, stream.settings.binding);
  if (!stream.isOpen) await open(stream);
  const line = new StreamLine(stream, usb);
  await line.begin(baudRate);
  return line;
}

/** Turns a stream method's callback into a promise. */
function done(step: (callback: (error: Error | null | undefined) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => step((error) => (error ? reject(error) : resolve())));
}

async function open(stream: SerialPortStream): Promise<void> {
  try {
    if (stream.opening) {
      await new Promise<void>((resolve, reject) => {
        stream.once("open", resolve);
        stream.once("error", reject);
      });
    } else await done((callback) => stream.open(callback));
  } catch (cause) {
    throw openFault(stream.path, cause);
  }
}

class StreamLine implements SerialLine {
  readonly port: string;
  readonly usb: UsbIdentity | undefined;
  /** Windows sets the control lines one after the other. */
  readonly canSetSignalsTogether: boolean = process.platform !== "win32";
  readonly hasBaudRate = true;
  #hasSignals = true;
  #signals: Signals = SIGNALS_WHEN_OPENED;
  readonly #stream: SerialPortStream;
  readonly #received = new ReceiveBuffer();
  /** Rejects a pending write when the port is lost: the stream would never call back. */
  #interruptWrite: (fault: OtaError) => void = () => undefined;

  constructor(stream: SerialPortStream, usb: UsbIdentity | undefined) {
    this.#stream = stream;
    this.port = stream.path;
    this.usb = usb;
    stream.on("data", this.#onData);
    stream.on("error", this.#onEnd);
    stream.on("close", this.#onEnd);
  }

  get hasSignals(): boolean {
    return this.#hasSignals;
  }

  /** Sets the baud rate and releases both lines. Detects a port without control lines, such as a pseudo-terminal. */
  async begin(baudRate: number): Promise<void> {
    if (this.#stream.baudRate !== baudRate) await this.setBaudRate(baudRate);
    try {
      await this.#setSignals({ dtr: false, rts: false });
    } catch {
      this.#hasSignals = false;
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    try {
      await new Promise<void>((resolve, reject) => {
        this.#interruptWrite = reject;
        this.#stream.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), (error) =>
          error ? reject(error) : resolve(),
        );
      });
    } catch (cause) {
      throw portLost(this.port, cause);
    }
  }

  read(timeoutMs: number): Promise<Uint8Array> {
    return this.#received.take(timeoutMs);
  }

  async setSignals(signals: Signals): Promise<void> {
    this.#assertOpen();
    await this.#change(() => this.#setSignals(signals));
  }

  async setBaudRate(baudRate: number): Promise<void> {
    this.#assertOpen();
    await this.#change(async () => {
      await done((callback) => this.#stream.drain(callback));
      await done((callback) => this.#stream.update({ baudRate }, callback));
    });
  }

  wait(ms: number): Promise<void> {
    return elapse(ms);
  }

  now(): number {
    return performance.now();
  }

  async close(): Promise<void> {
    const stream = this.#stream;
    if (stream.isOpen) await done((callback) => stream.close(callback));
    stream.off("data", this.#onData);
    stream.off("error", this.#onEnd);
    stream.off("close", this.#onEnd);
    // Errors after closing are irrelevant, but without a listener they would end the program.
    stream.on("error", () => undefined);
  }

  async #setSignals(signals: Signals): Promise<void> {
    const path =
      this.canSetSignalsTogether && signals.dtr !== signals.rts ? [signals] : signalPath(this.#signals, signals);
    this.#signals = signals;
    // `set` asserts flags that are omitted.
    for (const { dtr, rts } of path) await done((callback) => this.#stream.set({ dtr, rts, brk: false }, callback));
  }

  async #change(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (cause) {
      throw this.#stream.isOpen ? portUnusable(this.port, textOf(cause), cause) : portLost(this.port, cause);
    }
  }

  /** Throws if the stream is not open. A closed stream would hold written data until it is opened again. */
  #assertOpen(): void {
    this.#received.assertSound();
    if (!this.#stream.isOpen) throw portLost(this.port);
  }

  readonly #onData = (bytes: Buffer): void => this.#received.push(Uint8Array.from(bytes));

  readonly #onEnd = (cause?: Error | null): void => {
    const fault = portLost(this.port, cause ?? undefined);
    this.#received.fail(fault);
    this.#interruptWrite(fault);
  };
}

/** Creates the error for a port that did not open. The bindings report texts without codes. */
function openFault(path: string, cause: unknown): OtaError {
  const text = textOf(cause);
  if (/permission denied|access denied|access is denied/i.test(text)) {
    // Windows reports "access denied" for a port that another program has open.
    return /access/i.test(text) ? portBusy(path, cause) : permissionDenied(path, cause);
  }
  if (/no such file|file not found|cannot find/i.test(text)) return portNotFound(path, cause);
  if (/lock|busy|in use/i.test(text)) return portBusy(path, cause);
  return portUnusable(path, text, cause);
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
