import { utf8 } from "@tinybms/ota-core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { BootLog } from "../src/boot/boot-log.ts";
import { type SerialLine, watchBoot } from "../src/index.ts";
import { portLost } from "../src/line/port-faults.ts";

/** A line that says something, a piece every tenth of a second, and then nothing. */
function saying(...pieces: readonly string[]): SerialLine {
  let now = 0;
  const left = [...pieces];
  const silent = async (): Promise<void> => undefined;
  return {
    ...{
      port: "COM3",
      usb: undefined,
      hasSignals: true,
      canSetSignalsTogether: true,
      hasBaudRate: true,
      now: () => now,
    },
    ...{ write: silent, setSignals: silent, setBaudRate: silent, close: silent, wait: silent },
    read: async (timeoutMs) => {
      const piece = left.shift();
      now += piece === undefined ? timeoutMs : 100;
      return utf8(piece ?? "");
    },
  };
}

const RESET = "ets Jun  8 2016 00:22:57\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n";
const LOADED = "I (99) boot: Loaded app from partition at offset 0x10000\r\n";
const APP = "I (300) cpu_start: Project name:     gateway\r\nI (304) cpu_start: App version:      1.2.3\r\n";

const watch = (line: SerialLine, version: string | undefined = "1.2.3") => watchBoot(line, { version, seconds: 10 });

test.for([
  ["ESP-IDF 4 and 5.0", [RESET, LOADED, APP]],
  ["ESP-IDF 5.1 and later", [RESET, LOADED, APP.replaceAll("cpu_start", "app_init")]],
  ["cut anywhere", [`${RESET}${LOADED}I (300) cpu_st`, "art: App vers", "ion:      1.2", ".3\r", "\n"]],
  ["in colour", [RESET, LOADED, "\u001b[0;32mI (304) app_init: App version:      1.2.3\u001b[0m\r\n"]],
] as const)("the version is read from the log of %s", async ([, pieces]) => {
  expect(await watch(saying(...pieces))).toMatchObject({ version: "1.2.3" });
});

test("an app without a version counts as started after three seconds without trouble", async () => {
  expect(await watch(saying(RESET, LOADED, "hello\r\n"))).toEqual({ version: undefined, projectName: undefined });
});

test.for([
  [
    "another version",
    [RESET, LOADED, APP.replace("1.2.3", "1.1.0")],
    "serial/wrong-version",
    "started version 1.1.0, not 1.2.3",
  ],
  [
    "the old app, since the new one is not whole",
    [RESET, "E (60) esp_image: Image hash failed - image is corrupt\r\n", LOADED, APP.replace("1.2.3", "1.1.0")],
    "serial/wrong-version",
    "not 1.2.3: an image in its flash is corrupt",
  ],
  [
    "no app",
    [RESET, "E (96) boot: No bootable app partitions in the partition table\r\n"],
    "serial/boot-failed",
    "finds no bootable app",
  ],
  ["no bootloader", [RESET, "invalid header: 0xffffffff\r\n"], "serial/boot-failed", "its ROM finds no bootloader"],
  [
    "a bad table",
    [RESET, "E (60) boot: Failed to verify partition table\r\n"],
    "serial/boot-failed",
    "its partition table is damaged",
  ],
  [
    "download mode",
    ["rst:0x1 (POWERON_RESET),boot:0x3 (DOWNLOAD_BOOT)\r\nwaiting for download\r\n"],
    "serial/boot-failed",
    "IO0 is held low",
  ],
  [
    "a crash in a loop",
    Array.from({ length: 5 }, () => `${RESET}${LOADED}Guru Meditation Error: Core 0 panic'ed\r\n`),
    "serial/boot-failed",
    "the app crashes",
  ],
  [
    "a brownout in a loop",
    Array.from({ length: 5 }, () => `${RESET}${LOADED}Brownout detector was triggered\r\n`),
    "serial/brown-out",
    "its power supply fails",
  ],
  ["resets without a word", Array.from({ length: 5 }, () => RESET), "serial/boot-failed", "it resets repeatedly"],
  ["nothing", [], "serial/boot-unseen", "it sent nothing within 10 s"],
  ["only noise", ["\u0000\u0001xyz"], "serial/boot-unseen", "its log mentions no app"],
] as const)("a board that shows %s after flashing fails with its reason", async ([, pieces, code, reason]) => {
  const watching = watch(saying(...pieces));
  await expect(watching).rejects.toMatchObject({ code, hint: expect.any(String) });
  await expect(watching).rejects.toThrow(reason);
});

test("hints at the EN button if the port can't reset a board and no start is seen", async () => {
  const watching = watch({ ...saying(), hasSignals: false });
  await expect(watching).rejects.toMatchObject({
    code: "serial/boot-unseen",
    hint: expect.stringContaining("EN button"),
  });
});

test("reports a board that is unplugged while it starts as lost", async () => {
  const line = saying(RESET);
  line.read = async () => {
    throw portLost("COM3");
  };
  await expect(watch(line)).rejects.toMatchObject({ code: "serial/port-lost" });
});

test("reads any log without an error, and reports only a printed version", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (pieces) => {
      const log = new BootLog();
      for (const piece of pieces) log.push(piece);
      expect(log.state.bytes).toBe(pieces.reduce((sum, { length }) => sum + length, 0));
    }),
  );
});
