import { createHardware, type HostPort, SerialCable } from "@tinybms/firmware-sim";
import { expect, test, vi } from "vitest";
import { BAUD_RATE_DEFAULT, openWebSerialLine, type WebSerialPort } from "../src/index.ts";
import { appImage } from "./benches.ts";
import { flashBoard } from "./flash-simulated-board.ts";

/** A port as a browser gives it to a page, of a simulated board. */
class BrowserPort implements WebSerialPort {
  readable: ReadableStream<Uint8Array> | null = null;
  writable: WritableStream<Uint8Array> | null = null;
  readonly rates: number[] = [];
  readonly #cable: SerialCable;
  #port: HostPort | undefined;

  constructor(cable: SerialCable) {
    this.#cable = cable;
  }

  getInfo() {
    return { usbVendorId: 0x10c4, usbProductId: 0xea60 };
  }

  async open({ baudRate }: { readonly baudRate: number }): Promise<void> {
    if (!this.#cable.isFree) throw new DOMException("Failed to open serial port.", "NetworkError");
    this.rates.push(baudRate);
    let isOver = false;
    this.readable = new ReadableStream({
      start: (controller) => {
        const onClose = (): void => {
          this.readable = null;
          this.writable = null;
          controller.error(new DOMException("The device has been lost.", "NetworkError"));
        };
        this.#port = this.#cable.open({ onData: (bytes) => isOver || controller.enqueue(bytes), onClose }, baudRate);
      },
      cancel: () => {
        isOver = true;
      },
    });
    this.writable = new WritableStream({ write: (bytes) => this.#port?.write(bytes) });
  }

  async setSignals(signals: { readonly dataTerminalReady?: boolean; readonly requestToSend?: boolean }): Promise<void> {
    this.#port?.setSignals({ dtr: signals.dataTerminalReady ?? false, rts: signals.requestToSend ?? false });
  }

  async close(): Promise<void> {
    if (this.readable?.locked === true || this.writable?.locked === true) throw new TypeError("a stream is locked");
    this.readable = null;
    this.writable = null;
    this.#port?.close();
  }
}

const OLD = appImage("esp32", "1.0.0", 60_000);
const NEW = appImage("esp32", "1.1.0", 60_000);

test("a page flashes a board over Web Serial, and changes the rate by opening the port again", async () => {
  const port = new BrowserPort(new SerialCable({ hardware: createHardware({ chip: "esp32", app: OLD.bytes }) }));
  const line = await openWebSerialLine(port, BAUD_RATE_DEFAULT);
  expect(line.usb).toEqual({ vendorId: 0x10c4, productId: 0xea60 });
  const { boot } = await flashBoard(line, NEW);
  expect(boot.version).toBe("1.1.0");
  expect(port.rates).toEqual([115_200, 921_600, 115_200]);
  await line.close();
});

test("a browser that sets DTR before RTS restarts no board when a page releases both", async () => {
  const boot = vi.fn();
  const hardware = createHardware({ chip: "esp32", app: OLD.bytes });
  const cable = new SerialCable({ hardware, firmware: { boot, halt: () => undefined } });
  await vi.waitFor(() => expect(cable.board.state).toBe("app"));
  const port = new BrowserPort(cable);
  const setBoth = port.setSignals.bind(port);
  let rts = true;
  port.setSignals = async ({ dataTerminalReady = false, requestToSend = false }) => {
    await setBoth({ dataTerminalReady, requestToSend: rts });
    rts = requestToSend;
    await setBoth({ dataTerminalReady, requestToSend });
  };
  const line = await openWebSerialLine(port, BAUD_RATE_DEFAULT);
  await line.setSignals({ dtr: false, rts: false });
  expect(cable.board.state).toBe("app");
  expect(boot).toHaveBeenCalledTimes(1);
  await line.close();
});

test("reports a board that is unplugged from a page as lost at once, and closes its port", async () => {
  const cable = new SerialCable({ hardware: createHardware({ chip: "esp32", app: OLD.bytes }) });
  const line = await openWebSerialLine(new BrowserPort(cable), BAUD_RATE_DEFAULT);
  const flashing = flashBoard(line, NEW);
  cable.unplug();
  await expect(flashing).rejects.toMatchObject({ code: "serial/port-lost" });
  await line.close();
});

test("a port that another page has open is busy", async () => {
  const cable = new SerialCable({ hardware: createHardware({ chip: "esp32", app: OLD.bytes }) });
  const line = await openWebSerialLine(new BrowserPort(cable), BAUD_RATE_DEFAULT);
  const second = openWebSerialLine(new BrowserPort(cable), BAUD_RATE_DEFAULT);
  await expect(second).rejects.toMatchObject({ code: "serial/port-busy" });
  await line.close();
});
