import { createHardware, runBootloader } from "@tinybms/firmware-sim";
import { concatBytes, utf8 } from "@tinybms/ota-core";
import { expect, test } from "vitest";
import { Flasher } from "../src/index.ts";
import { appImage } from "./benches.ts";
import { flashBoard } from "./flash-simulated-board.ts";
import { SimulatedLine } from "./simulated-line.ts";

/** Of an app that needs five blocks. */
const OLD = appImage("esp32c3", "1.0.0", 80_000);
const NEW = appImage("esp32c3", "1.1.0", 80_000);

const FLASH_DEFL_BEGIN = 0x10;
const FLASH_DEFL_DATA = 0x11;

/** Place of bits 16 to 23 of the offset in the frame of FLASH_DEFL_BEGIN. */
const OFFSET_BYTE = 23;

/** Whether bytes are the frame of a request, or of the answer to it. */
const isFrameOf = (op: number, bytes: Uint8Array): boolean => bytes[0] === 0xc0 && bytes[2] === op;

/** Spoils what goes one way with the third data block of a flash. */
function atThirdBlock(
  direction: "to-board" | "to-host",
  spoil: (bytes: Uint8Array, line: SimulatedLine) => Uint8Array,
): SimulatedLine {
  let count = 0;
  const line: SimulatedLine = new SimulatedLine({
    hardware: createHardware({ chip: "esp32c3", app: OLD.bytes }),
    spoil: (bytes, way) => {
      if (way !== direction || !isFrameOf(FLASH_DEFL_DATA, bytes) || ++count !== 3) return bytes;
      return spoil(bytes, line);
    },
  });
  return line;
}

const NOTHING = new Uint8Array(0);

test.for([
  ["a flipped byte in a block", "to-board", (bytes: Uint8Array) => bytes.with(100, (bytes[100] ?? 0) ^ 0x10)],
  ["a lost block", "to-board", () => NOTHING],
  ["half a block", "to-board", (bytes: Uint8Array) => bytes.subarray(0, bytes.length / 2)],
  ["a lost answer", "to-host", () => NOTHING],
  ["an answer cut short", "to-host", (bytes: Uint8Array) => bytes.subarray(0, 9)],
  ["text before an answer", "to-host", (bytes: Uint8Array) => concatBytes([utf8("x\r\n"), bytes])],
  ["an answer twice", "to-host", (bytes: Uint8Array) => concatBytes([bytes, bytes])],
] as const)("%s: still writes once, verifies and starts", async ([, direction, spoil]) => {
  const line = atThirdBlock(direction, spoil);
  const { boot } = await flashBoard(line, NEW);
  expect(boot.version).toBe("1.1.0");
});

test("finds a board again that restarts into its app during flashing, and flashes it", async () => {
  const line = atThirdBlock("to-board", (bytes, { happen }) => {
    happen.call(line, { type: "reset-button", download: false });
    return bytes;
  });
  const { boot, flasher } = await flashBoard(line, NEW);
  expect(boot.version).toBe("1.1.0");
  expect(flasher.disturbances).toBeGreaterThan(0);
});

test("reports a board whose flash does not change, which still starts its old app", async () => {
  const hardware = createHardware({ chip: "esp32c3", app: OLD.bytes });
  // Blocks are taken and answered, and go somewhere else.
  const line = new SimulatedLine({
    hardware,
    spoil: (bytes, way) =>
      way === "to-board" && isFrameOf(FLASH_DEFL_BEGIN, bytes) ? bytes.with(OFFSET_BYTE, 0x2d) : bytes,
  });
  const flasher = await Flasher.connect(line);
  const write = flasher.write([{ name: "app", offset: 0x1d_0000, bytes: NEW.bytes }]);
  await expect(write).rejects.toMatchObject({ code: "serial/write-failed" });
  await expect(write).rejects.toThrow("differs from what was sent, from 0x1d0000 on");
  expect(runBootloader(hardware)).toMatchObject({ kind: "boots" });
});

test("detects and reports an offset that the line changed, which overwrites the old app", async () => {
  const spoilt = new Set<number>();
  const hardware = createHardware({ chip: "esp32c3", app: OLD.bytes });
  const line = new SimulatedLine({
    hardware,
    spoil: (bytes, way) => {
      if (way !== "to-board" || spoilt.size === 2) return bytes;
      // The first is lost, the second, of the same run, goes into the slot that runs.
      if (isFrameOf(FLASH_DEFL_DATA, bytes) && !spoilt.has(FLASH_DEFL_DATA)) {
        spoilt.add(FLASH_DEFL_DATA);
        return NOTHING;
      }
      if (isFrameOf(FLASH_DEFL_BEGIN, bytes) && spoilt.has(FLASH_DEFL_DATA)) {
        spoilt.add(FLASH_DEFL_BEGIN);
        return bytes.with(OFFSET_BYTE, 0x02);
      }
      return bytes;
    },
  });
  const flashed = flashBoard(line, NEW);
  await expect(flashed).rejects.toMatchObject({ code: "serial/damaged-elsewhere", details: { offset: 0x2_0000 } });
  await expect(flashed).rejects.toThrow("made the loader on simulated overwrite flash that should stay unchanged");
});

test("writes nothing beyond the end of the flash or off a sector boundary", async () => {
  const line = new SimulatedLine({ hardware: createHardware({ chip: "esp32c3", app: OLD.bytes }) });
  const flasher = await Flasher.connect(line);
  const { flashSize } = flasher.board;
  for (const offset of [flashSize - 0x1000, 0x1_0100]) {
    const write = flasher.write([{ name: "app.bin", offset, bytes: NEW.bytes }]);
    await expect(write).rejects.toMatchObject({ code: "serial/does-not-fit" });
  }
});

test("continues reading after a lost packet, with correct bytes", async () => {
  let count = 0;
  const hardware = createHardware({ chip: "esp32c3", app: OLD.bytes });
  const line = new SimulatedLine({
    hardware,
    spoil: (bytes, way) => (way === "to-host" && bytes.length > 4000 && ++count % 5 === 0 ? NOTHING : bytes),
  });
  const flasher = await Flasher.connect(line);
  const read = await flasher.read(0, 0x4_0000);
  expect(Buffer.compare(read, hardware.flash.truth(0, 0x4_0000))).toBe(0);
});
