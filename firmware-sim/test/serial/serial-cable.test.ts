import {
  buildLoaderBlock,
  buildLoaderRequest,
  encodeSlip,
  LoaderOp,
  loaderWords,
  parseLoaderResponse,
  SlipDecoder,
  SYNC_DATA,
} from "@tinybms/ota-core/serial";
import { expect, test } from "vitest";
import { createHardware } from "../../src/device/create-device.ts";
import { parseFault } from "../../src/fault/parse-fault.ts";
import { BootloaderFirmware } from "../../src/serial/board-firmware.ts";
import { LineModel } from "../../src/serial/line-model.ts";
import { type HostPort, SerialCable, type SerialCableOptions } from "../../src/serial/serial-cable.ts";
import { noise } from "./bench-host.ts";

/** A host with an open port. */
class Host {
  readonly port: HostPort;
  readonly ops: number[] = [];
  console = "";
  isClosed = false;
  #hasHeard = false;
  #onHeard: () => void = () => undefined;
  readonly #decoder = new SlipDecoder();

  constructor(cable: SerialCable, baudRate?: number) {
    const listener = {
      onData: (bytes: Uint8Array) => this.#receive(bytes),
      onClose: () => {
        this.isClosed = true;
      },
    };
    this.port = cable.open(listener, baudRate);
  }

  request(op: number, data: Uint8Array): void {
    this.port.write(encodeSlip(buildLoaderRequest(op, data)));
  }

  /** Waits until something comes. */
  async heard(): Promise<void> {
    if (!this.#hasHeard) {
      await new Promise<void>((resolve) => {
        this.#onHeard = resolve;
      });
    }
    this.#hasHeard = false;
  }

  #receive(bytes: Uint8Array): void {
    for (const part of this.#decoder.push(bytes)) {
      if (part.type === "frame") this.ops.push(parseLoaderResponse(part.bytes)?.op ?? -1);
      else this.console += new TextDecoder().decode(part.bytes);
    }
    this.#hasHeard = true;
    this.#onHeard();
  }
}

function cableTo(options: Partial<SerialCableOptions> = {}): SerialCable {
  return new SerialCable({ hardware: createHardware({}), ...options });
}

test("lets a host reset the board into the loader, use it, and reset it back", async () => {
  const cable = cableTo();
  const host = new Host(cable, 115_200);
  host.port.setSignals({ dtr: false, rts: true });
  host.port.setSignals({ dtr: true, rts: false });
  await host.heard();
  expect(host.console).toMatch(/waiting for download\r\n$/);
  host.request(LoaderOp.SYNC, SYNC_DATA);
  await host.heard();
  expect(host.ops).toEqual(new Array(8).fill(LoaderOp.SYNC));
  host.port.setSignals({ dtr: false, rts: true });
  host.port.setSignals({ dtr: false, rts: false });
  await host.heard();
  expect(cable.board.state).toBe("app");
});

test("allows one host at a time", () => {
  const cable = cableTo();
  const host = new Host(cable);
  expect(() => new Host(cable)).toThrow("in use");
  host.port.close();
  expect(new Host(cable).isClosed).toBe(false);
});

test("boots the current flash content, and prints what it boots", async () => {
  const hardware = createHardware({});
  const firmware = new BootloaderFirmware(hardware);
  const cable = cableTo({ hardware, firmware });
  const host = new Host(cable);
  cable.pressReset();
  await host.heard();
  expect(firmware.outcome?.kind).toBe("reset-loop");
  expect(host.console).toMatch(/I \(\d+\) boot: Partition Table:\r\n/);
  expect(host.console).toContain("E (91) boot: No bootable app partitions in the partition table");
});

test("ends the port and the power when the cable is unplugged in a block; written bytes stay", async () => {
  const hardware = createHardware({});
  const image = noise(0x4000);
  const begin = encodeSlip(buildLoaderRequest(LoaderOp.FLASH_BEGIN, loaderWords(0x8000, 2, 0x4000, 0x21_0000)));
  const block = encodeSlip(buildLoaderBlock(LoaderOp.FLASH_DATA, 0, image));
  const upload = [
    encodeSlip(buildLoaderRequest(LoaderOp.MEM_BEGIN, loaderWords(4, 1, 4, 0x4000_0000))),
    encodeSlip(buildLoaderBlock(LoaderOp.MEM_DATA, 0, new Uint8Array(4))),
    encodeSlip(buildLoaderRequest(LoaderOp.MEM_END, loaderWords(0, 0x4000_0000))),
  ];
  const before = [...upload, begin, block].reduce((sum, { length }) => sum + length, 0);
  const faults = [parseFault(`bench-1:line-unplug=to-board,atByte=${before + 1000}`)];
  const cable = cableTo({ hardware, faults });
  cable.pressReset(true);
  const host = new Host(cable);
  for (const bytes of [...upload, begin, block]) host.port.write(bytes);
  await host.heard();
  expect(host.isClosed).toBe(false);
  host.port.write(block);
  expect(host.isClosed).toBe(true);
  expect(cable.board.state).toBe("off");
  expect(hardware.flash.truth(0x21_0000, 0x4000)).toEqual(image);
  expect(hardware.flash.truth(0x21_4000, 0x4000).every((byte) => byte === 0xff)).toBe(true);
  expect(() => new Host(cable)).toThrow("the cable is unplugged");
  cable.plugIn();
  expect(new Host(cable).isClosed).toBe(false);
});

test("delivers bytes late on a stalled line", async () => {
  const faults = [parseFault("*:line-stall=to-host,atByte=5,stallMs=20")];
  const cable = cableTo({ faults });
  const host = new Host(cable);
  cable.pressReset(true);
  await host.heard();
  expect(host.console).toBe("ets ");
  await host.heard();
  expect(host.console).toMatch(/waiting for download\r\n$/);
});

test("never makes a command of flipped bytes", async () => {
  const cable = cableTo({ faults: [parseFault("*:line-flip=to-board,atByte=3")] });
  const host = new Host(cable);
  cable.enterLoader();
  host.request(LoaderOp.SYNC, SYNC_DATA);
  host.request(LoaderOp.READ_REG, loaderWords(0x4000_1000));
  await host.heard();
  expect(host.ops.filter((op) => op === LoaderOp.SYNC)).toEqual([]);
  expect(host.ops.at(-1)).toBe(LoaderOp.READ_REG);
});

test("adds up bytes, latency, and flash time in the line model", () => {
  const model = new LineModel(1);
  model.receive(1152, 115_200);
  model.busy(50);
  model.send(1152, 115_200);
  expect(model.elapsedMs).toBeCloseTo(100 + 50 + 100 + 1);
  model.busy(50);
  expect(model.elapsedMs).toBeCloseTo(301);
  model.receive(1152, 115_200);
  model.send(0, 115_200);
  expect(model.elapsedMs).toBeCloseTo(352);
});
