import { buildLoaderRequest, encodeSlip, LoaderOp, SYNC_DATA } from "@tinybms/ota-core/serial";
import { describe, expect, test } from "vitest";
import { createHardware } from "../../src/device/create-device.ts";
import { pinsOf, type ResetCircuit } from "../../src/rom/reset-circuit.ts";
import { BenchHost } from "./bench-host.ts";

/** A board that was powered a while ago, with no host at its port. */
function running(resetCircuit: ResetCircuit = "transistors"): BenchHost {
  const host = new BenchHost({ hardware: createHardware({}), resetCircuit });
  host.event({ type: "power-on" });
  host.settle();
  return host;
}

/** Plays a reset sequence: D and R set DTR and RTS, both at once where they stand together; numbers wait so many ms. */
function play(host: BenchHost, sequence: string): void {
  for (const step of sequence.split(" ")) {
    const match = /^(?:D([01]))?(?:R([01]))?$/.exec(step);
    if (match === null) host.wait(Number(step));
    else {
      const [, dtr, rts] = match;
      host.event({
        type: "signals",
        ...(dtr === undefined ? {} : { dtr: dtr === "1" }),
        ...(rts === undefined ? {} : { rts: rts === "1" }),
      });
    }
  }
}

test("lets at most one transistor conduct", () => {
  expect(pinsOf({ dtr: false, rts: false })).toEqual({ enable: true, boot: true });
  expect(pinsOf({ dtr: true, rts: true })).toEqual({ enable: true, boot: true });
  expect(pinsOf({ dtr: false, rts: true })).toEqual({ enable: false, boot: true });
  expect(pinsOf({ dtr: true, rts: false })).toEqual({ enable: true, boot: false });
});

describe("by its reset circuit", () => {
  test.for([
    ["the classic sequence", "transistors", "D0 R1 100 D1 R0 50 D0"],
    ["the classic sequence, slow", "transistors", "D0 R1 100 D1 R0 550 D0"],
    ["the classic sequence 100 ms apart, as over a network", "transistors", "D0 R1 100 D1 100 R0 100 D0"],
    ["the tight sequence", "transistors", "D0R0 D1R1 D0R1 100 D1R0 50 D0R0 D0"],
    ["the USB Serial/JTAG sequence", "usb-serial-jtag", "R0 D0 100 D1 R0 100 R1 D0 R1 100 D0 R0"],
  ] as const)("%s enters the loader", ([, circuit, sequence]) => {
    const host = running(circuit);
    play(host, "D1R1");
    play(host, sequence);
    host.settle();
    expect(host.board.state).toBe("download");
    expect(host.sync().length).toBe(8);
  });

  test.for([
    ["transistors", "D0 R1 100 R0"],
    ["usb-serial-jtag", "D0 R1 200 R0"],
  ] as const)("with %s a hard reset leaves it", ([circuit, sequence]) => {
    const host = running(circuit);
    host.event({ type: "reset-button", download: true });
    play(host, sequence);
    host.settle();
    expect(host.board.state).toBe("app");
    expect(host.sync()).toEqual([]);
  });

  test("does not reset when the port is opened or closed", () => {
    for (const circuit of ["transistors", "usb-serial-jtag"] as const) {
      const host = running(circuit);
      play(host, "D1R1 300 D0R0 300");
      expect([host.boots.length, host.halts]).toEqual([1, 0]);
    }
  });

  test("reads the boot pin up to 150 ms after reset", () => {
    const host = running();
    play(host, "D0 R1 100 D1 149 R0");
    expect(host.board.state).toBe("download");
    const late = running();
    play(late, "D0 R1 100 D1 151 R0");
    expect(late.board.state).toBe("app");
  });

  test("ignores control lines without a reset circuit, but not the buttons", () => {
    const host = running("none");
    play(host, "D0 R1 100 D1 R0 50 D0");
    expect([host.board.state, host.halts]).toEqual(["app", 0]);
    host.event({ type: "reset-button", download: true });
    expect(host.board.state).toBe("download");
  });
});

test("sets a timer again that fires early", () => {
  const host = new BenchHost({ hardware: createHardware({}) });
  host.event({ type: "power-on" });
  host.now = 149.5;
  host.event({ type: "timer" });
  expect(host.board.state).toBe("strapping");
  host.settle();
  expect([host.board.state, host.now]).toEqual(["app", 150]);
});

test("prints the strapped boot mode", () => {
  const host = running();
  expect(host.console).toContain("rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n");
  host.event({ type: "reset-button", download: true });
  expect(host.console).toMatch(/boot:0x3 \(DOWNLOAD_BOOT\(.*\)\)\r\nwaiting for download\r\n$/);
});

test("sends the app's output to the host until the app ends", () => {
  const host = running();
  host.event({ type: "console", text: "hello\r\n" });
  expect(host.console).toMatch(/hello\r\n$/);
  host.event({ type: "reset-button", download: true });
  host.event({ type: "console", text: "ghost\r\n" });
  expect(host.console).not.toContain("ghost");
});

test("restarts an app without a halt, and prints it", () => {
  const host = running();
  host.event({ type: "app-restart" });
  expect([host.boots.length, host.halts]).toEqual([2, 0]);
  expect(host.console).toContain("rst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n");
});

test("measures the baud rate from the first bytes, and keeps it", () => {
  const host = BenchHost.inLoader({ hardware: createHardware({}) });
  host.event({ type: "reset-button", download: true });
  host.event({ type: "host-baud-rate", baudRate: 57_600 });
  expect(host.sync().length).toBe(8);
  expect(host.board.baudRate).toBe(57_600);
  host.event({ type: "host-baud-rate", baudRate: 921_600 });
  expect(host.sync()).toEqual([]);
});

test("answers CHANGE_BAUDRATE at the old rate, and then switches", () => {
  const host = new BenchHost({ hardware: createHardware({}) });
  host.event({ type: "host-baud-rate", baudRate: 115_200 });
  host.event({ type: "power-on" });
  host.event({ type: "reset-button", download: true });
  host.sync();
  expect(host.request(LoaderOp.CHANGE_BAUDRATE, 921_600, 0).op).toBe(LoaderOp.CHANGE_BAUDRATE);
  expect(host.sync()).toEqual([]);
  host.event({ type: "host-baud-rate", baudRate: 921_600 });
  expect(host.sync().length).toBe(8);
  host.event({ type: "reset-button", download: false });
  expect(host.board.baudRate).toBe(115_200);
});

test("discards half a frame, the stub and pending work at a reset", () => {
  const host = BenchHost.inLoader({ hardware: createHardware({}), flashTakesTime: true });
  host.startStub();
  const sync = encodeSlip(buildLoaderRequest(LoaderOp.SYNC, SYNC_DATA));
  host.event({ type: "receive", bytes: sync.subarray(0, 20) });
  host.event({ type: "reset-button", download: true });
  expect(host.board.isStub).toBe(false);
  expect(host.sync().length).toBe(8);
});

test("does not boot a flash without a bootloader if one is required", () => {
  const host = new BenchHost({ hardware: createHardware({}), needsBootloader: true });
  host.event({ type: "power-on" });
  host.settle();
  expect(host.boots).toEqual([]);
  expect(host.console).toContain("invalid header: 0xffffffff");
});

test("answers frames that wait for the flash in order", () => {
  const host = BenchHost.inLoader({ hardware: createHardware({}), flashTakesTime: true });
  host.startStub();
  const read = (address: number) =>
    encodeSlip(buildLoaderRequest(LoaderOp.READ_REG, new Uint8Array(new Uint32Array([address]).buffer)));
  const erase = encodeSlip(buildLoaderRequest(LoaderOp.ERASE_FLASH, new Uint8Array(0)));
  const before = host.now;
  host.event({ type: "receive", bytes: erase });
  host.event({ type: "receive", bytes: read(0x4000_1000) });
  const frames = host.exchange(buildLoaderRequest(LoaderOp.SYNC, SYNC_DATA));
  expect(frames.map((frame) => frame[1])).toEqual([0xd0, 0x0a, ...new Array<number>(8).fill(0x08)]);
  expect(host.now - before).toBeGreaterThan(5_000);
});
