import { OtaError } from "@tinybms/ota-core";
import { type FlashInspection, type InspectProblem, inspectFlash } from "@tinybms/ota-core/esp";
import type { FlashPart } from "../flash/regions.ts";
import type { Board } from "../loader/board.ts";

/** Options of {@link checkStart}. */
export interface StartCheck {
  /** Offset of the partition table. */
  readonly tableOffset: number;
  /** `true` if otadata stays unchanged on the board, so that the app that starts is not known. */
  readonly keepOtadata: boolean;
  /** Turns errors into warnings. */
  readonly force: boolean;
}

/**
 * Inspects the flash content that parts would produce, as `tinybms-ota inspect` does with a file. Ignores flash that no part
 * covers.
 *
 * @returns Warnings, as sentences.
 * @throws {@link OtaError} `serial/would-not-start` if the bootloader, the partition table or the selected app is faulty.
 */
export function checkStart(
  port: string,
  board: Board,
  parts: readonly FlashPart[],
  { tableOffset, keepOtadata, force }: StartCheck,
): readonly string[] {
  const { chip, flashSize } = board;
  const isWritten = (offset: number): boolean =>
    parts.some((part) => offset >= part.offset && offset < part.offset + part.bytes.length);
  const inspection = inspectFlash(flashOf(parts, flashSize), { chip: chip.name, tableOffset, flashSize });
  const bootOffset = inspection.partitions.find(({ label }) => label === inspection.boot)?.offset;
  const isKnown = ({ path = "", offset = 0 }: InspectProblem): boolean => {
    if (path.startsWith("/bootloader")) return isWritten(chip.bootloaderOffset);
    if (path.startsWith("/partitionTable")) return isWritten(tableOffset);
    if (path === "/boot") return !keepOtadata && bootOffset !== undefined && isWritten(bootOffset);
    return isWritten(offset);
  };
  const problems = [...inspection.problems, ...sizeProblems(inspection, board)].filter(isKnown);
  const fatal = problems.filter(({ path = "" }) => /^\/(bootloader|partitionTable|boot\b)/.test(path));
  const warnings = problems.map(({ message }) => message);
  const [first] = fatal;
  if (first === undefined || force) return warnings;
  const more = fatal.length === 1 ? "" : ` (and ${fatal.length - 1} more)`;
  const message = `the board on ${port} would not start: ${first.message}${more}`;
  const details = { port, problems: fatal.map((problem) => problem.message) };
  throw new OtaError("serial/would-not-start", message, details, { hint: hintOf(inspection, board, fatal) });
}

/**
 * Returns a problem if the bootloader's header states a larger flash than the board has: the app would stop when it probes
 * the flash (`esp_flash_init_main`).
 */
function sizeProblems({ bootloader }: FlashInspection, { flashSize }: Board): readonly InspectProblem[] {
  const stated = bootloader?.flashSize ?? 0;
  if (stated <= flashSize) return [];
  const message = `the bootloader states a flash of ${stated / 0x10_0000} MiB, but the board has ${flashSize / 0x10_0000} MiB`;
  return [{ code: "serial/does-not-fit", message, path: "/bootloader/flashSize" }];
}

function hintOf({ bootloader }: FlashInspection, { flashSize }: Board, problems: readonly InspectProblem[]): string {
  const force = "--force flashes it anyway";
  const isAboutSize = problems.some(
    ({ message, path }) => path === "/bootloader/flashSize" || message.includes("past the flash"),
  );
  if (!isAboutSize || bootloader?.flashSize === flashSize) return force;
  return `--flash-size detect writes the size of the board's flash into the bootloader; ${force}`;
}

/** Returns the content of an erased flash after all parts are written, up to the end of the last part. */
function flashOf(parts: readonly FlashPart[], flashSize: number): Uint8Array {
  const end = Math.max(0, ...parts.map(({ offset, bytes }) => offset + bytes.length));
  const flash = new Uint8Array(Math.min(end, flashSize)).fill(0xff);
  for (const { offset, bytes } of parts) {
    if (offset < flash.length) flash.set(bytes.subarray(0, flash.length - offset), offset);
  }
  return flash;
}
