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

/** The app that a board runs. */
export interface RunningApp {
  readonly label: string;
  readonly header: AppImageHeader;
  readonly descriptor: AppDescriptor | undefined;
  /** Blocks of its signature sector whose digest matches this image. */
  readonly signatureBlocks: readonly InspectedSignatureBlock[];
}

/**
 * Boots a copy of a board once to find out which app it runs. The bootloader checks hashes but no signatures.
 *
 * @returns The app, or the reason why nothing starts.
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
    // A larger app that was here before may have left its signature.
    signatureBlocks: blocks.filter(({ crcMatches, imageDigestMatches }) => crcMatches && imageDigestMatches === true),
  };
}

/** Returns the eFuses in the form that the simulator accepts. */
export function simulated({ flashEncryption: _, ...fields }: KnownEfuses): EfuseFields {
  return fields;
}

/** Returns the lowest revisions that every app on the board accepts. */
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

/** Returns a minimum revision; 0 if it is not set (65535). */
function lowest(revision: number): number {
  return revision === 0xffff ? 0 : revision;
}
