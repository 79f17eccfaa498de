import { type HostPort, SerialCable, type SerialCableOptions } from "@tinybms/firmware-sim";
import type { Binding, BindingPort } from "../src/node.ts";

/** How serialport's bindings end a read that a close interrupts. */
const canceled = (): Error => Object.assign(new Error("Port is not open"), { canceled: true });

/** A binding as serialport has them, whose one port is a simulated board's cable. */
export class CableBinding implements Binding {
  readonly cable: SerialCable;

  constructor(options: SerialCableOptions) {
    this.cable = new SerialCable(options);
  }

  async open({ baudRate }: { readonly path: string; readonly baudRate: number }): Promise<BindingPort> {
    if (!this.cable.isFree) throw new Error("Error Resource temporarily unavailable Cannot lock port");
    return new CablePort(this.cable, baudRate);
  }
}

class CablePort implements BindingPort {
  readonly #port: HostPort;
  #received: Buffer[] = [];
  #fault: Error | undefined;
  #wake: () => void = () => undefined;

  constructor(cable: SerialCable, baudRate: number) {
    const onData = (bytes: Uint8Array): void => {
      this.#received.push(Buffer.from(bytes));
      this.#wake();
    };
    this.#port = cable.open({ onData, onClose: () => this.#end(new Error("the cable was pulled")) }, baudRate);
  }

  get isOpen(): boolean {
    return this.#fault === undefined;
  }

  async read(buffer: Buffer, offset: number, length: number): Promise<{ readonly bytesRead: number }> {
    for (;;) {
      const all = Buffer.concat(this.#received);
      if (all.length > 0) {
        const bytesRead = all.copy(buffer, offset, 0, length);
        this.#received = [all.subarray(bytesRead)];
        return { bytesRead };
      }
      if (this.#fault !== undefined) throw this.#fault;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async write(buffer: Buffer): Promise<void> {
    if (this.#fault !== undefined) throw this.#fault;
    this.#port.write(buffer);
  }

  async update({ baudRate }: { readonly baudRate: number }): Promise<void> {
    this.#port.setBaudRate(baudRate);
  }

  async set({ dtr, rts }: { readonly dtr: boolean; readonly rts: boolean }): Promise<void> {
    this.#port.setSignals({ dtr, rts });
  }

  async drain(): Promise<void> {}

  async close(): Promise<void> {
    this.#port.close();
    this.#end(canceled());
  }

  #end(fault: Error): void {
    this.#fault ??= fault;
    this.#wake();
  }
}
