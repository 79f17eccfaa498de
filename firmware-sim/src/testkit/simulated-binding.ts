import type { HostPort, SerialCable } from "../serial/serial-cable.ts";

// The package has types for CommonJS only.
type Binding = import("@serialport/bindings-interface", { with: { "resolution-mode": "require" }}).BindingInterface;
type BindingPort = Awaited<ReturnType<Binding["open"]>>;
type OpenOptions = Parameters<Binding["open"]>[0];
type PortInfo = Awaited<ReturnType<Binding["list"]>>[number];

/** Properties of the adapter as the system lists them: the CP2102N of Espressif's boards, or the chip's own USB port. */
const BRIDGE = { manufacturer: "Silicon Labs", vendorId: "10c4", productId: "ea60" };
const NATIVE = { manufacturer: "Espressif", vendorId: "303a", productId: "1001" };

/**
 * Presents a simulated board as a serialport binding: any program that accepts a binding can open the board like a port
 * of this machine.
 *
 *     const binding = new SimulatedBinding(new SerialCable({ hardware: createHardware({}) }));
 *     const port = new SerialPortStream({ binding, path: "/dev/ttyUSB0", baudRate: 115200 });
 */
export class SimulatedBinding implements Binding {
  readonly #cable: SerialCable;
  readonly #path: string;

  /**
   * @param cable - Cable to the board. Its control lines act on the board's reset circuit.
   * @param path - The only port that this binding lists and opens.
   * @defaultValue `path`: `/dev/ttyUSB0`
   */
  constructor(cable: SerialCable, path = "/dev/ttyUSB0") {
    this.#cable = cable;
    this.#path = path;
  }

  /** Lists the port, unless the cable is unplugged. */
  async list(): Promise<PortInfo[]> {
    if (!this.#cable.isPlugged) return [];
    const adapter = this.#cable.board.resetCircuit === "usb-serial-jtag" ? NATIVE : BRIDGE;
    const unknown = { serialNumber: undefined, pnpId: undefined, locationId: undefined };
    return [{ path: this.#path, ...adapter, ...unknown }];
  }

  /**
   * Opens the port.
   *
   * @throws Error with the message of serialport's own binding on Linux.
   */
  async open(options: OpenOptions): Promise<BindingPort> {
    const { path } = options;
    if (path !== this.#path || !this.#cable.isPlugged) {
      throw new Error(`Error: No such file or directory, cannot open ${path}`);
    }
    if (!this.#cable.isFree) throw new Error("Error Resource temporarily unavailable Cannot lock port");
    return new SimulatedPort(this.#cable, options);
  }
}

class SimulatedPort implements BindingPort {
  readonly openOptions: Required<OpenOptions>;
  readonly #port: HostPort;
  #baudRate: number;
  #received: Buffer[] = [];
  #fault: Error | undefined;
  #wake: () => void = () => undefined;

  constructor(cable: SerialCable, options: OpenOptions) {
    this.openOptions = {
      ...{ dataBits: 8, lock: true, stopBits: 1, parity: "none", rtscts: false, xon: false, xoff: false, xany: false },
      ...{ hupcl: true, ...options },
    };
    this.#baudRate = options.baudRate;
    const onData = (bytes: Uint8Array): void => {
      this.#received.push(Buffer.from(bytes));
      this.#wake();
    };
    this.#port = cable.open(
      { onData, onClose: () => this.#end(new Error("the cable was unplugged")) },
      options.baudRate,
    );
  }

  get isOpen(): boolean {
    return this.#fault === undefined;
  }

  async close(): Promise<void> {
    this.#port.close();
    this.#end(Object.assign(new Error("Port is not open"), { canceled: true }));
  }

  async read(buffer: Buffer, offset: number, length: number): Promise<{ buffer: Buffer; bytesRead: number }> {
    while (this.#received.length === 0) {
      if (this.#fault !== undefined) throw this.#fault;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const all = Buffer.concat(this.#received);
    const bytesRead = all.copy(buffer, offset, 0, length);
    this.#received = bytesRead < all.length ? [all.subarray(bytesRead)] : [];
    return { buffer, bytesRead };
  }

  async write(buffer: Buffer): Promise<void> {
    this.#assertOpen();
    // An operating system accepts the bytes first and sends them later.
    await Promise.resolve();
    this.#port.write(buffer);
  }

  async update({ baudRate }: { readonly baudRate: number }): Promise<void> {
    this.#assertOpen();
    this.#baudRate = baudRate;
    this.#port.setBaudRate(baudRate);
  }

  async set({ dtr = true, rts = true }: { readonly dtr?: boolean; readonly rts?: boolean }): Promise<void> {
    this.#assertOpen();
    this.#port.setSignals({ dtr, rts });
  }

  /** Returns the modem inputs, which the board does not drive. */
  async get(): Promise<{ cts: boolean; dsr: boolean; dcd: boolean }> {
    this.#assertOpen();
    return { cts: false, dsr: false, dcd: false };
  }

  async getBaudRate(): Promise<{ baudRate: number }> {
    return { baudRate: this.#baudRate };
  }

  async flush(): Promise<void> {
    this.#received = [];
  }

  async drain(): Promise<void> {
    this.#assertOpen();
  }

  #assertOpen(): void {
    if (this.#fault !== undefined) throw this.#fault;
  }

  #end(fault: Error): void {
    this.#fault ??= fault;
    this.#wake();
  }
}
