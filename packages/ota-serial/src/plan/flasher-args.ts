import { OtaError } from "@tinybms/ota-core";
import { FLASH_MODES, FLASH_SIZES } from "@tinybms/ota-core/esp";
import type { FlashSettingNames } from "./settle-parts.ts";

/** File with its offset in flash. */
export interface PlacedFile {
  readonly path: string;
  readonly offset: number;
}

/** The used part of ESP-IDF's `flasher_args.json`. */
export interface FlasherArgs {
  /** Paths relative to the folder of `flasher_args.json`. */
  readonly files: readonly PlacedFile[];
  /** Flash settings for the bootloader's header. */
  readonly settings: FlashSettingNames;
  /** Name of the chip that the build targets. */
  readonly chip: string | undefined;
  /** One sentence for each esptool option that is ignored. */
  readonly warnings: readonly string[];
}

/** Options of esptool's `write-flash` for the bootloader's header, in all spellings. */
const SETTING_OPTIONS: ReadonlyMap<string, keyof FlashSettingNames> = new Map([
  ["--flash-mode", "mode"],
  ["-fm", "mode"],
  ["--flash-size", "size"],
  ["-fs", "size"],
  ["--flash-freq", "frequency"],
  ["-ff", "frequency"],
]);

/** Options of `write-flash` that change how it writes, but not what it writes. */
const OPTIONS_WITHOUT_EFFECT: readonly string[] = [
  ...["--compress", "-z", "--no-compress", "-u", "--no-progress", "-p", "--verify", "--skip-flashed"],
];

/**
 * Parses `flasher_args.json`, which every ESP-IDF build writes to its build folder.
 *
 * `flash_files` maps offsets to paths. Mode, size and frequency of the flash come from `write_flash_args`, which
 * `idf.py flash` passes to esptool, otherwise from `flash_settings`. From `extra_esptool_args`, only the chip is used.
 *
 * @param file - Name of the file, for messages.
 * @throws {@link OtaError} `arguments/invalid` if the document is not valid, or if an option in `write_flash_args` would
 *   change what is written.
 */
export function parseFlasherArgs(text: string, file: string): FlasherArgs {
  const document = parseJson(text);
  const members = isObject(document) ? document : {};
  const { flash_files: files, extra_esptool_args: extra } = members;
  if (!isObject(files) || Object.keys(files).length === 0) {
    const message = `${file} is not a flasher_args.json of ESP-IDF: it must have a member flash_files with offsets and paths`;
    throw new OtaError("arguments/invalid", message, { option: "--all" }, { hint: "idf.py build writes it" });
  }
  const chip = isObject(extra) && typeof extra.chip === "string" && extra.chip !== "auto" ? extra.chip : undefined;
  const fromArgs = readWriteFlashArgs(members.write_flash_args, file);
  const settings = { ...readFlashSettings(members.flash_settings), ...fromArgs.settings };
  assertSettings(settings, "--all", `${file}: `);
  return {
    files: Object.entries(files).map(([offset, path]) => {
      if (typeof path === "string") return { path, offset: parseOffset(offset, "--all") };
      throw new OtaError("arguments/invalid", `${file}: the path at ${offset} must be a string`, { option: "--all" });
    }),
    settings,
    chip,
    warnings: fromArgs.warnings,
  };
}

/**
 * Parses `FILE@OFFSET`.
 *
 * @throws {@link OtaError} `arguments/invalid`.
 */
export function parsePlacedFile(text: string, option = "--image"): PlacedFile {
  const at = text.lastIndexOf("@");
  if (at > 0) return { path: text.slice(0, at), offset: parseOffset(text.slice(at + 1), option) };
  const message = `${option}: ${JSON.stringify(text)} must be FILE@OFFSET, such as app.bin@0x10000`;
  throw new OtaError("arguments/invalid", message, { option });
}

/** Parses an offset: a decimal number, or a hexadecimal one with 0x. */
export function parseOffset(text: string, option: string): number {
  const offset = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
  if (offset <= 0xffff_ffff) return offset;
  const message = `${option}: ${JSON.stringify(text)} is not a flash offset; it must be a number such as 0x10000`;
  throw new OtaError("arguments/invalid", message, { option });
}

function readFlashSettings(value: unknown): FlashSettingNames {
  if (!isObject(value)) return {};
  const text = (name: keyof FlashSettingNames, member: unknown): FlashSettingNames =>
    typeof member === "string" ? { [name]: member } : {};
  const { flash_mode: mode, flash_size: size, flash_freq: frequency } = value;
  return { ...text("mode", mode), ...text("size", size), ...text("frequency", frequency) };
}

/** Parses `write_flash_args`. Options have underscores up to esptool 4 and hyphens since 5. A value may follow `=`. */
function readWriteFlashArgs(value: unknown, file: string): Pick<FlasherArgs, "settings" | "warnings"> {
  const args = Array.isArray(value) ? value.map(String) : [];
  const settings: { -readonly [Name in keyof FlashSettingNames]: string } = {};
  const warnings: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const [given = "", attached] = (args[index] ?? "").split("=", 2);
    const option = given.replaceAll("_", "-");
    const setting = SETTING_OPTIONS.get(option);
    if (setting !== undefined) settings[setting] = attached ?? args[++index] ?? "";
    else if (option === "--force") warnings.push(`${file}: write_flash_args has --force, which is ignored`);
    else if (!OPTIONS_WITHOUT_EFFECT.includes(option)) {
      const message = `${file}: write_flash_args has ${JSON.stringify(args[index])}, which this command does not support`;
      const hint = "use esptool write-flash: idf.py flash";
      throw new OtaError("arguments/invalid", message, { option: "--all" }, { hint });
    }
  }
  return { settings, warnings };
}

/**
 * Checks that some chip has this flash mode and size. Frequencies depend on the chip and are checked later.
 *
 * @param option - Command-line option, for the error's details.
 * @param place - Prefix of the message.
 * @throws {@link OtaError} `arguments/invalid`.
 */
export function assertSettings({ mode, size }: FlashSettingNames, option: string, place: string): void {
  const check = (what: string, value: string | undefined, known: readonly string[]): void => {
    if (value === undefined || known.includes(value)) return;
    const message = `${place}flash ${what} ${JSON.stringify(value)} is not one of ${known.join(", ")}`;
    throw new OtaError("arguments/invalid", message, { option });
  };
  check("mode", mode, ["keep", ...FLASH_MODES]);
  check("size", size, ["detect", "keep", ...FLASH_SIZES]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
