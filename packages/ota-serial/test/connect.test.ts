import { createHardware, type Hardware } from "@tinybms/firmware-sim";
import { isOtaError, type OtaError, utf8 } from "@tinybms/ota-core";
import { beforeEach, expect, test } from "vitest";
import { Flasher, parseResetSequence, type SerialLine } from "../src/index.ts";
import { appImage, boardWith } from "./benches.ts";
import { SimulatedLine, type SimulatedLineOptions } from "./simulated-line.ts";

let hardware: Hardware;

beforeEach(() => {
  hardware = boardWith("esp32");
});

const lineWith = (options: Partial<SimulatedLineOptions> = {}) => new SimulatedLine({ hardware, ...options });

/** What connecting throws, as its user reads it. */
async function faultOf(line: SerialLine): Promise<OtaError> {
  const error = await Flasher.connect(line).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (isOtaError(error)) return error;
  throw error ?? new Error("it connected");
}

test("a USB Serial/JTAG is reset by its own sequence", async () => {
  hardware = boardWith("esp32c3");
  const usb = { vendorId: 0x303a, productId: 0x1001 };
  const line = lineWith({ usb, resetCircuit: "usb-serial-jtag" });
  const flasher = await Flasher.connect(line);
  expect(flasher.board.chipName).toBe("ESP32-C3");
  await flasher.startApp();
  expect(line.board.state).toBe("app");
});

test("a custom reset sequence replaces the usual ones", async () => {
  const sets: unknown[] = [];
  const line = lineWith();
  const setSignals = line.setSignals.bind(line);
  line.setSignals = (signals) => {
    sets.push([signals.dtr, signals.rts]);
    return setSignals(signals);
  };
  const steps = [{ dtr: false, rts: true }, { waitMs: 20 }, { dtr: true, rts: false }, { waitMs: 20 }, { dtr: false }];
  await Flasher.connect(line, { reset: steps });
  expect(sets).toEqual([
    [false, true],
    [true, false],
    [false, false],
  ]);
});

test("uses a stub that an earlier session left running, without another upload", async () => {
  const line = lineWith({ hasSignals: false, hasBaudRate: false });
  line.happen({ type: "reset-button", download: true });
  await Flasher.connect(line);
  const { written } = line;
  const again = await Flasher.connect(line);
  expect(again.board.chipName).toBe("ESP32");
  expect(line.written - written).toBeLessThan(written / 4);
});

test("lowers a rate that the line can't keep, and says so", async () => {
  const notes: string[] = [];
  const line = lineWith({ baudRateMax: 460_800 });
  const flasher = await Flasher.connect(line, { baudRate: 2_000_000, onNote: (text) => notes.push(text) });
  expect(flasher.baudRate).toBe(460_800);
  expect(notes).toEqual([
    "simulated doesn't keep up at 2000000 baud: continues at 1500000",
    "simulated doesn't keep up at 1500000 baud: continues at 921600",
    "simulated doesn't keep up at 921600 baud: continues at 460800",
  ]);
  expect((await flasher.read(0x8000, 0xc00)).subarray(0, 2)).toEqual(Uint8Array.of(0xaa, 0x50));
});

test("a silent board: hints at port, cable and power", async () => {
  const line = lineWith();
  line.happen({ type: "power-off" });
  const { code, message, hint } = await faultOf(line);
  expect(code).toBe("serial/nothing-received");
  expect(message).toBe("nothing was received from simulated");
  expect(hint).toContain("hold BOOT and press EN");
});

test("a board whose IO0 is not wired: reports the wrong boot mode and the BOOT button", async () => {
  const line = lineWith();
  const setSignals = line.setSignals.bind(line);
  line.setSignals = ({ dtr, rts }) => setSignals({ dtr: false, rts: rts && !dtr });
  const { code, message, hint } = await faultOf(line);
  expect(code).toBe("serial/wrong-boot-mode");
  expect(message).toBe("the board on simulated was reset and started its app (boot mode 0x13) instead of its loader");
  expect(hint).toContain("hold its BOOT button down");
});

test.for([
  ["both together", true],
  ["one after the other", false],
] as const)("a board with swapped DTR and RTS, set %s: hints at the two wires", async ([, together]) => {
  const line = Object.assign(lineWith(), { canSetSignalsTogether: together });
  const setSignals = line.setSignals.bind(line);
  line.setSignals = ({ dtr, rts }) => setSignals({ dtr: rts, rts: dtr });
  const { code, message, hint } = await faultOf(line);
  expect(code).toBe("serial/loader-deaf");
  expect(message).toContain("was reset out of it");
  expect(hint).toContain("DTR and RTS are probably swapped");
  const sequence = /--reset-sequence "(.*?)"/.exec(hint ?? "")?.[1] ?? "";
  const flasher = await Flasher.connect(line, { reset: parseResetSequence(sequence) });
  expect(flasher.board.chipName).toBe("ESP32");
});

test("a board that continues its log: says that no reset reached it", async () => {
  const line = lineWith({ resetCircuit: "none" });
  const { read } = line;
  let count = 0;
  line.read = async (timeoutMs: number) => {
    if (count++ % 3 === 0) line.happen({ type: "console", text: `I (${count}) app: cell voltages read\r\n` });
    return read.call(line, timeoutMs);
  };
  await read.call(line, 1000);
  const { code, message, hint } = await faultOf(line);
  expect(code).toBe("serial/app-running");
  expect(message).toContain("keeps printing its app's log");
  expect(hint).toContain("no auto-reset");
});

/** A board that prints the same at every reset and hears nothing. */
function saying(text: string | Uint8Array): SerialLine {
  const line = lineWith();
  line.happen({ type: "power-off" });
  let pending = 0;
  return Object.assign(line, {
    setSignals: async () => {
      pending = 1;
    },
    read: async (timeoutMs: number) => {
      if (pending-- === 1) return typeof text === "string" ? utf8(text) : text;
      await line.wait(timeoutMs);
      return new Uint8Array(0);
    },
  });
}

test("a board whose supply fails: reports a brownout and suggests another supply", async () => {
  const log = "ets Jun  8 2016 00:22:57\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n";
  const { code, hint } = await faultOf(saying(`${log}Brownout detector was triggered\r\n`));
  expect(code).toBe("serial/brown-out");
  expect(hint).toContain("another USB port or cable");
});

test("a board that waits for a download and receives nothing: hints at the line to its RX", async () => {
  const { code, hint } = await faultOf(
    saying("rst:0x1 (POWERON_RESET),boot:0x3 (DOWNLOAD_BOOT)\r\nwaiting for download\r\n"),
  );
  expect(code).toBe("serial/loader-deaf");
  expect(hint).toContain("adapter's TX to the board's RX");
});

test("bytes that are neither text nor an answer: hints at noise or another rate", async () => {
  const { code, hint } = await faultOf(
    saying(Uint8Array.from({ length: 200 }, (_, index) => ((index * 89) % 251) | 0x80)),
  );
  expect(code).toBe("serial/noise");
  expect(hint).toContain("another baud rate");
});

test("a cable pulled while connecting: reports that the port was lost", async () => {
  const { code, message } = await faultOf(lineWith({ unplugAfter: 100 }));
  expect(code).toBe("serial/port-lost");
  expect(message).toContain("unplugged");
});

test("Ctrl-C ends the session with its reason, and leaves the port to be reset", async () => {
  const line = lineWith();
  const interrupt = new AbortController();
  const flasher = await Flasher.connect(line, { signal: interrupt.signal });
  interrupt.abort(new Error("interrupted"));
  await expect(flasher.write([{ name: "x", offset: 0x10000, bytes: new Uint8Array(4096) }])).rejects.toThrow(
    "interrupted",
  );
  await flasher.startApp();
  expect(line.board.state).not.toBe("download");
});

test("names a chip without known registers, and other tools that flash it", async () => {
  hardware = createHardware({ chip: "esp32c6", app: appImage("esp32c6", "1.0.0").bytes });
  const other = { ...hardware, chip: { ...hardware.chip, id: 0x0012 } };
  const { code, message, hint } = await faultOf(new SimulatedLine({ hardware: other }));
  expect(code).toBe("serial/unsupported-chip");
  expect(message).toContain("esp32p4");
  expect(hint).toContain("esptool");
});
