import { expect, test } from "vitest";
import { parseFlasherArgs } from "../src/index.ts";

const FILES = { "0x1000": "bootloader/bootloader.bin", "0x10000": "app.bin" };
const parse = (members: object) =>
  parseFlasherArgs(JSON.stringify({ flash_files: FILES, ...members }), "flasher_args.json");

const SETTINGS = { mode: "dio", size: "2MB", frequency: "40m" };

test.for([
  ["esptool 4", ["--flash_mode", "dio", "--flash_size", "2MB", "--flash_freq", "40m"]],
  ["esptool 5", ["--flash-mode", "dio", "--flash-size", "2MB", "--flash-freq", "40m"]],
  ["short options", ["-fm", "dio", "-fs", "2MB", "-ff", "40m"]],
  ["values after =", ["--flash-mode=dio", "--flash_size=2MB", "--flash-freq=40m"]],
  [
    "options without effect on the flash",
    ["-z", "--flash-mode", "dio", "--verify", "-fs", "2MB", "--flash-freq", "40m"],
  ],
] as const)("settings are read in the spelling of %s", ([, args]) => {
  expect(parse({ write_flash_args: args })).toEqual({
    files: [
      { path: "bootloader/bootloader.bin", offset: 0x1000 },
      { path: "app.bin", offset: 0x1_0000 },
    ],
    settings: SETTINGS,
    chip: undefined,
    warnings: [],
  });
});

test("write_flash_args, which esptool receives, overrides flash_settings", () => {
  const flash_settings = { flash_mode: "qio", flash_size: "detect", flash_freq: "80m" };
  expect(parse({ flash_settings }).settings).toEqual({ mode: "qio", size: "detect", frequency: "80m" });
  const both = parse({ flash_settings, write_flash_args: ["--flash_size", "keep"] });
  expect(both.settings).toEqual({ mode: "qio", size: "keep", frequency: "80m" });
});

test("reads the chip of the build, and ignores --force", () => {
  const build = parse({ write_flash_args: ["--force"], extra_esptool_args: { chip: "esp32c3", after: "hard_reset" } });
  expect(build.chip).toBe("esp32c3");
  expect(build.warnings).toEqual(["flasher_args.json: write_flash_args has --force, which is ignored"]);
});

test.for([
  [{ write_flash_args: ["--encrypt"] }, "--encrypt"],
  [{ write_flash_args: ["--erase-all", "--flash_mode", "dio"] }, "--erase-all"],
  [{ write_flash_args: ["--spi-connection", "HSPI"] }, "--spi-connection"],
  [{ flash_settings: { flash_size: "3MB" } }, 'flash size "3MB" is not one of detect, keep, 1MB'],
  [{ write_flash_args: ["--flash_mode", "opi"] }, 'flash mode "opi" is not one of keep, qio'],
  [{ write_flash_args: ["--flash_mode"] }, 'flash mode ""'],
] as const)("%j is refused", ([members, text]) => {
  expect(() => parse(members)).toThrow(
    expect.objectContaining({ code: "arguments/invalid", message: expect.stringContaining(text) }),
  );
});
