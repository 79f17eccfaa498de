import {
  APP_IMAGE_HEADER_SIZE,
  APP_IMAGE_MAGIC,
  type AppDescriptor,
  type AppImageHeader,
  type InspectedSignatureBlock,
  PartitionType,
  parseAppImageHeader,
} from "@tinybms/ota-core/esp";
import { runBootloader } from "../boot/bootloader.ts";
import type { EfuseFields } from "../boot/efuse.ts";
import { createHardware } from "../device/create-device.ts";
import type { DumpedBoard } from "./dumped-board.ts";
import type { KnownEfuses } from "./efuse-file.ts";

/** The app that a board starts. */
export interface RunningApp {
  readonly label: string;
  readonly header: AppImageHeader;
  readonly descriptor: AppDescriptor | undefined;
  /** Blocks of its signature sector that sign this very image. */
  readonly signatureBlocks: readonly InspectedSignatureBlock[];
}

/**
 * Starts a copy of a board once, with a bootloader that looks at hashes alone, to see which app it runs.
 *
 * @returns The app, or why nothing starts.
 */
export function findRunningApp(board: DumpedBoard, efuses: KnownEfuses): RunningApp | { readonly reason: string } {
  const { bytes, contents, tableOffset, inspection } = board;
  const efuse: EfuseFields = { ...revisionsFor(board), ...simulated(efuses) };
  const outcome = runBootloader(createHardware({ ...contents, efuse }), { tableOffset });
  if (outcome.kind === "reset-loop") {
    const rejected = outcome.trace.find(({ type }) => type === "slot-rejected");
    const why = rejected?.type === "slot-rejected" ? ` (${rejected.partition.label}: ${rejected.reason})` : "";
    return { reason: `${outcome.reason}${why}` };
  }
  const { label, offset } = outcome.partition;
  const found = inspection.partitions.find((partition) => partition.offset === offset)?.contents;
  const blocks = found?.type === "app-image" && found.signature?.version === 2 ? found.signature.blocks : [];
  return {
    label,
    header: parseAppImageHeader(bytes.subarray(offset, offset + APP_IMAGE_HEADER_SIZE)),
    descriptor: outcome.image.descriptor,
    // A larger app that stood here before may have left its signature.
    signatureBlocks: blocks.filter(({ crcMatches, imageDigestMatches }) => crcMatches && imageDigestMatches === true),
  };
}

/** eFuses as the simulator takes them. */
export function simulated({ flashEncryption: _, ...fields }: KnownEfuses): EfuseFields {
  return fields;
}

/** The lowest revisions that every app on the board runs on. */
function revisionsFor({ bytes, entries, inspection }: DumpedBoard): EfuseFields {
  let [chipRevision, blockRevision] = [0, 0];
  for (const { type, offset } of entries) {
    const header = bytes.subarray(offset, offset + APP_IMAGE_HEADER_SIZE);
    if (type !== PartitionType.APP || header.length < APP_IMAGE_HEADER_SIZE || header[0] !== APP_IMAGE_MAGIC) continue;
    chipRevision = Math.max(chipRevision, lowest(parseAppImageHeader(header).minChipRevisionFull));
  }
  for (const { contents } of inspection.partitions) {
    if (contents?.type !== "app-image") continue;
    blockRevision = Math.max(blockRevision, lowest(contents.descriptor?.minEfuseBlockRevision ?? 0));
  }
  return { chipRevision, blockRevision };
}

/** 65535 is not set. */
function lowest(revision: number): number {
  return revision === 0xffff ? 0 : revision;
}
