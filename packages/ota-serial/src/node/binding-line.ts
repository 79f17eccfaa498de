import type { OtaError } from "@tinybms/ota-core";
import { permissionDenied, portBusy, portLost, portNotFound, portUnusable } from "../line/port-faults.ts";
import { elapse, ReceiveBuffer } from "../line/receive-buffer.ts";
import type { SerialLine, Signals, UsbIdentity } from "../line/serial-line.ts";

/** What is used of an open port of `@serialport/bindings-interface`. */
export interface BindingPort {
  readonly isOpen: boolean;
  close(): Promise<void>;
  read(buffer: Buffer, offset: number, length: number): Promise<{ readonly bytesRead: number }>;
  write(buffer: Buffer): Promise<void>;
  update(options: { readonly baudRate: number }): Promise<void>;
  set(options: { readonly dtr: boolean; readonly rts: boolean; readonly brk: boolean }): Promise<void>;
  drain(): Promise<void>;
}

/** What is used of a binding: serialport's native ones, or a simulated board's. */
export interface Binding {
  open(options: { readonly path: string; readonly baudRate: number; readonly hupcl?: boolean }): Promise<BindingPort>;
}

/** Bytes taken from the system at once. */
const READ_SIZE = 65_536;

/**
 * Opens a port of a binding. Opening resets no board: both lines are released at once.
 *
 * @param usb - What the list of ports says of it.
 * @throws {@link OtaError} `serial/port-not-found`, `serial/permission-denied`, `serial/port-busy` or
 *   `serial/port-unusable`.
 */
export async function openBindingLine(
  binding: Binding,
  path: string,
  baudRate: number,
  usb?: UsbIdentity,
): Promise<SerialLine> {
  const port = await binding.open({ path, baudRate }).catch((cause: unknown) => {
    throw openFault(path, cause);
  });
  const line = new BindingLine(port, path, usb);
  await line.release();
  return line;
}

class BindingLine implements SerialLine {
  readonly port: string;
  readonly usb: UsbIdentity | undefined;
  readonly hasBaudRate = true;
  #hasSignals = true;
  readonly #port: BindingPort;
  readonly #received = new ReceiveBuffer();
  readonly #pumped: Promise<void>;

  constructor(port: BindingPort, path: string, usb: UsbIdentity | undefined) {
    this.#port = port;
    this.port = path;
    this.usb = usb;
    this.#pumped = this.#pump();
  }

  get hasSignals(): boolean {
    return this.#hasSignals;
  }

  /** Releases both lines; a port that has none, such as a pseudo-terminal, is found out here. */
  async release(): Promise<void> {
    try {
      await this.#port.set({ dtr: false, rts: false, brk: false });
    } catch {
      this.#hasSignals = false;
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#received.assertSound();
    try {
      await this.#port.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    } catch (cause) {
      throw portLost(this.port, cause);
    }
  }

  read(timeoutMs: number): Promise<Uint8Array> {
    return this.#received.take(timeoutMs);
  }

  async setSignals({ dtr, rts }: Signals): Promise<void> {
    this.#received.assertSound();
    // A flag that is left out would be asserted.
    await this.#change(() => this.#port.set({ dtr, rts, brk: false }));
  }

  async setBaudRate(baudRate: number): Promise<void> {
    this.#received.assertSound();
    await this.#change(async () => {
      await this.#port.drain();
      await this.#port.update({ baudRate });
    });
  }

  wait(ms: number): Promise<void> {
    return elapse(ms);
  }

  now(): number {
    return performance.now();
  }

  async close(): Promise<void> {
    if (this.#port.isOpen) await this.#port.close();
    await this.#pumped;
  }

  async #change(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (cause) {
      throw this.#port.isOpen ? portUnusable(this.port, textOf(cause), cause) : portLost(this.port, cause);
    }
  }

  async #pump(): Promise<void> {
    const buffer = Buffer.alloc(READ_SIZE);
    try {
      for (;;) {
        const { bytesRead } = await this.#port.read(buffer, 0, READ_SIZE);
        this.#received.push(Uint8Array.from(buffer.subarray(0, bytesRead)));
      }
    } catch (cause) {
      this.#received.fail(portLost(this.port, cause));
    }
  }
}

/** What the texts of the bindings mean: they have no codes. */
function openFault(path: string, cause: unknown): OtaError {
  const text = textOf(cause);
  if (/permission denied|access denied|access is denied/i.test(text)) {
    // Windows says so of a port that another program has open.
    return /access/i.test(text) ? portBusy(path, cause) : permissionDenied(path, cause);
  }
  if (/no such file|file not found|cannot find/i.test(text)) return portNotFound(path, cause);
  if (/lock|busy|in use/i.test(text)) return portBusy(path, cause);
  return portUnusable(path, text, cause);
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
