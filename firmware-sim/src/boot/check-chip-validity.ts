import { type AppImageHeader, type Chip, revisionName } from "@tinybms/ota-core/esp";
import { EspErr } from "../esp-err/esp-err.ts";
import type { Efuse } from "./efuse.ts";

/**
 * Checks whether an image may run on a chip (`bootloader_common_check_chip_validity`): chip ID, then the revisions,
 * compared as plain numbers.
 *
 * @returns `undefined` if it may; otherwise ESP_FAIL, the step of `image_load` (5 to 7) and ESP-IDF's log line.
 */
export function checkChipValidity(
  header: AppImageHeader,
  chip: Chip,
  efuse: Efuse,
): { readonly step: number; readonly err: number; readonly reason: string } | undefined {
  const { chipId, minChipRevisionFull: min, maxChipRevisionFull: max } = header;
  const refuse = (step: number, reason: string) => ({ step, err: EspErr.ESP_FAIL, reason });
  if (chipId !== chip.id) return refuse(5, `mismatch chip ID, expected ${chip.id}, found ${chipId}`);
  const revision = efuse.chipRevision;
  const required = "chip revision check failed. Required";
  if (revision < min) return refuse(6, `${required} >= ${revisionName(min)}, found ${revisionName(revision)}.`);
  if (!isRevisionSet(max) || revision <= max || efuse.disableWaferVersionMajor) return undefined;
  return refuse(7, `${required} <= ${revisionName(max)}, found ${revisionName(revision)}.`);
}

/** Returns whether a maximum revision is set: 0 and 65535 mean that it isn't. */
export function isRevisionSet(revision: number): boolean {
  return revision !== 0 && revision !== 0xffff;
}
