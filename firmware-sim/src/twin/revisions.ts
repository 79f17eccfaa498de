import { APP_IMAGE_HEADER_SIZE, parseAppImageHeader, revisionName } from "@tinybms/ota-core/esp";
import { isRevisionSet } from "../boot/check-chip-validity.ts";
import type { DumpedBoard } from "./dumped-board.ts";
import type { KnownEfuses } from "./efuse-file.ts";
import type { TwinReason } from "./reason.ts";
import type { RunningApp } from "./running-app.ts";
import type { Release } from "./twin-release.ts";

/** A revision that is known to lie between two, both included. */
export interface RevisionRange {
  readonly min: number;
  readonly max: number;
}

/** What is known of a chip's wafer and eFuse block revisions. */
export interface KnownRevisions {
  readonly chip: RevisionRange;
  readonly block: RevisionRange;
}

/** Revisions by the eFuses, or as narrow as the bootloader and the app that run on the chip tell. */
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

/** What stands between a chip's revisions and a release: known, or not ruled out. */
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
  for (const [what, field, found, asked] of wanted) {
    if (asked.min <= found.min && found.max <= asked.max) continue;
    const wants = `the image asks for a ${what} of ${rangeName(asked)}`;
    if (found.max < asked.min || asked.max < found.min) {
      against.push({ code: "image/chip-revision", message: `${wants}, and this one is ${rangeName(found)}` });
    } else {
      const message = `${wants}, and what runs here shows ${rangeName(found)} only; --efuse with ${field} tells`;
      doubts.push({ code: "image/chip-revision", message });
    }
  }
  return { against, doubts };
}

function limits(min: number, max: number, isMaxIgnored: boolean = false): RevisionRange {
  // The lowest is compared whatever it is; 65535 lets no chip run.
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
