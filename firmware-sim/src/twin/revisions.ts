import { APP_IMAGE_HEADER_SIZE, parseAppImageHeader, revisionName } from "@tinybms/ota-core/esp";
import { isRevisionSet } from "../boot/check-chip-validity.ts";
import type { DumpedBoard } from "./dumped-board.ts";
import type { KnownEfuses } from "./efuse-file.ts";
import type { TwinReason } from "./reason.ts";
import type { RunningApp } from "./running-app.ts";
import type { Release } from "./twin-release.ts";

/** Range in which a revision lies, both ends included. Revisions are major × 100 + minor. */
export interface RevisionRange {
  readonly min: number;
  readonly max: number;
}

/** Known ranges of a chip's wafer revision and eFuse block revision. */
export interface KnownRevisions {
  readonly chip: RevisionRange;
  readonly block: RevisionRange;
}

/** Returns the revisions in the eFuses, or the narrowest ranges that bootloader and running app imply. */
export function knownRevisions(board: DumpedBoard, running: RunningApp, efuses: KnownEfuses): KnownRevisions {
  const { bytes, inspection } = board;
  const start = inspection.bootloaderOffset ?? 0;
  const bootloader = parseAppImageHeader(bytes.subarray(start, start + APP_IMAGE_HEADER_SIZE));
  const { descriptor } = running;
  const ofChip = [bootloader, running.header].map(({ minChipRevisionFull, maxChipRevisionFull }) => {
    return limits(minChipRevisionFull, maxChipRevisionFull);
  });
  const ofBlock = limits(descriptor?.minEfuseBlockRevision ?? 0, descriptor?.maxEfuseBlockRevision ?? 0);
  return {
    chip: known(efuses.chipRevision) ?? narrowest(ofChip, efuses.disableWaferVersionMajor === true),
    block: known(efuses.blockRevision) ?? narrowest([ofBlock], efuses.disableBlockVersionMajor === true),
  };
}

/** Compares a chip's revisions with those that a release requires. @returns Reasons against it, and doubts. */
export function revisionReasons(
  release: Release,
  { chip, block }: KnownRevisions,
  efuses: KnownEfuses,
  checksBlock: boolean,
): { readonly against: readonly TwinReason[]; readonly doubts: readonly TwinReason[] } {
  const { header, descriptor } = release;
  const ofChip = limits(header.minChipRevisionFull, header.maxChipRevisionFull, efuses.disableWaferVersionMajor);
  const ofBlock = limits(
    descriptor.minEfuseBlockRevision,
    descriptor.maxEfuseBlockRevision,
    efuses.disableBlockVersionMajor,
  );
  const wanted = [
    ["chip revision", "chipRevision", chip, ofChip],
    ...(checksBlock ? ([["eFuse block revision", "blockRevision", block, ofBlock]] as const) : []),
  ] as const;
  const against: TwinReason[] = [];
  const doubts: TwinReason[] = [];
  for (const [what, field, found, required] of wanted) {
    if (required.min <= found.min && found.max <= required.max) continue;
    const requires = `the image requires ${what} ${rangeName(required)}`;
    if (found.max < required.min || required.max < found.min) {
      against.push({ code: "image/chip-revision", message: `${requires}, and the board has ${rangeName(found)}` });
    } else {
      const message = `${requires}, and the board is only known to have ${rangeName(found)}; give ${field} with --efuse`;
      doubts.push({ code: "image/chip-revision", message });
    }
  }
  return { against, doubts };
}

function limits(min: number, max: number, isMaxIgnored: boolean = false): RevisionRange {
  // ESP-IDF always compares the minimum, so 65535 excludes every chip.
  return { min, max: isRevisionSet(max) && !isMaxIgnored ? max : Number.POSITIVE_INFINITY };
}

function known(revision: number | undefined): RevisionRange | undefined {
  return revision === undefined ? undefined : { min: revision, max: revision };
}

function narrowest(ranges: readonly RevisionRange[], isMaxIgnored: boolean): RevisionRange {
  const min = Math.max(...ranges.map((range) => range.min));
  return { min, max: isMaxIgnored ? Number.POSITIVE_INFINITY : Math.min(...ranges.map((range) => range.max)) };
}

function rangeName({ min, max }: RevisionRange): string {
  if (min === max) return revisionName(min);
  if (max === Number.POSITIVE_INFINITY) return `${revisionName(min)} or higher`;
  return `${revisionName(min)} to ${revisionName(max)}`;
}
