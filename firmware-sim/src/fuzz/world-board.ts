import { CHUNK_SIZE, sha256, toHex } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { copyHardware, type Hardware } from "../boot/boot-options.ts";
import { createHardware } from "../device/create-device.ts";
import { partitionsOf } from "../device/device-partitions.ts";
import { ContentCache } from "../flash/content-cache.ts";
import { SECTOR_SIZE } from "../flash/sector-store.ts";
import { type ImagePublisherOptions, prepareSender } from "../simulation/publish-image.ts";
import type { WorldImages } from "./watch-device.ts";

/** Topic root and product of the worlds. */
export const WORLD_TOPIC_ROOT = "tinybms/gateway/ota";
export const WORLD_PRODUCT = "TinyBMS Web Gateway";

/** A board with the old image, and the delivery of a new one. Shared by all worlds with an image of one size. */
export interface WorldBoard extends WorldImages {
  /** Returns a copy of the board. */
  createHardware(): Hardware;
  readonly images: { readonly old: Uint8Array; readonly new: Uint8Array };
  /** First sector of the slot that the new image goes to. */
  readonly targetSector: number;
  /** NVS, in bytes: ESP-IDF may program it without an erase where a cut tore an entry. */
  readonly nvs: { readonly offset: number; readonly size: number };
  /** Options of a publisher of the new image. */
  publication(spreadMs: number): ImagePublisherOptions;
}

const BOARDS = new Map<number, WorldBoard>();

/** Returns the board for images of a number of chunks. Each is made once. */
export function worldBoardOf(chunks: number): WorldBoard {
  const known = BOARDS.get(chunks) ?? createBoard(chunks);
  BOARDS.set(chunks, known);
  return known;
}

function createBoard(chunks: number): WorldBoard {
  // The last chunk is not full.
  const sizeBytes = chunks * CHUNK_SIZE - 1_000;
  const old = buildAppImage({ version: "1.0.0", sizeBytes, seed: 1 });
  const image = buildAppImage({ version: "2.0.0", sizeBytes, seed: 2 });
  const board = createHardware({ app: old });
  board.flash.rememberIn(new ContentCache());
  const partitions = partitionsOf(board.flash);
  const [target, nvs] = ["ota_1", "nvs"].map((label) => partitions.find((partition) => partition.label === label));
  if (target === undefined || nvs === undefined) throw new RangeError("the table has no ota_1 or no nvs");
  const common = { image, topicRoot: WORLD_TOPIC_ROOT, product: WORLD_PRODUCT };
  const publications = new Map<number, ImagePublisherOptions>();
  return {
    oldSha256: toHex(sha256(old)),
    newSha256: toHex(sha256(image)),
    images: { old, new: image },
    createHardware: () => copyHardware(board),
    targetSector: target.offset / SECTOR_SIZE,
    nvs,
    publication: (spreadMs) => {
      const known = publications.get(spreadMs) ?? prepareSender({ ...common, spreadMs });
      publications.set(spreadMs, known);
      return known;
    },
  };
}
