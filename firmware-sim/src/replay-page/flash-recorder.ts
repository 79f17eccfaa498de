import { type PartitionEntry, PartitionType } from "@tinybms/ota-core/esp";
import { partitionsOf } from "../device/device-partitions.ts";
import type { NorFlash } from "../flash/nor-flash.ts";
import { SECTOR_SIZE } from "../flash/sector-store.ts";
import { isErased, type KnownImages } from "./known-images.ts";
import { type ReplayFlash, SECTOR_CONTENTS, type SectorContent } from "./replay-document.ts";

/** Changes that are recorded of one flash; later ones are left out. */
const CHANGES_MAX = 20_000;

/** Records what stands in the sectors of a flash. */
export class FlashRecorder {
  #flash: NorFlash;
  readonly #images: KnownImages;
  readonly #partitions: readonly PartitionEntry[];
  /** Content of each sector that was ever not erased, by its number. */
  readonly #contents: Map<number, number> = new Map();
  readonly #start: ReadonlyMap<number, number>;
  readonly #changed: Set<number> = new Set();
  readonly #changes: [atMs: number, sector: number, content: number][] = [];
  /** Number of changes that were left out. */
  omitted = 0;

  constructor(flash: NorFlash, images: KnownImages) {
    this.#flash = flash;
    this.#images = images;
    this.#partitions = partitionsOf(flash);
    for (const { offset, size } of this.#partitions) {
      for (let sector = offset / SECTOR_SIZE; sector < (offset + size) / SECTOR_SIZE; sector++) {
        const content = this.#contentOf(sector);
        if (content !== 0) this.#contents.set(sector, content);
      }
    }
    this.#start = new Map(this.#contents);
  }

  /** Takes that an operation on the sector of an offset begins. */
  touch(offset: number): void {
    this.#changed.add(Math.floor(offset / SECTOR_SIZE));
  }

  /** Goes on with another flash that has the same partitions, such as a copy that a power cut left. */
  replace(flash: NorFlash): void {
    this.#flash = flash;
    for (const { offset, size } of this.#partitions) {
      for (let sector = offset; sector < offset + size; sector += SECTOR_SIZE) this.touch(sector);
    }
  }

  /** Records the sectors that were operated on since the last call. */
  look(nowMs: number): void {
    for (const sector of this.#changed) {
      const content = this.#contentOf(sector);
      if ((this.#contents.get(sector) ?? 0) === content) continue;
      this.#contents.set(sector, content);
      if (this.#changes.length < CHANGES_MAX) this.#changes.push([Math.round(nowMs), sector, content]);
      else this.omitted++;
    }
    this.#changed.clear();
  }

  /** Returns the record, with the sectors numbered as the map shows them. */
  result(): ReplayFlash {
    const places = new Map<number, number>();
    const partitions = this.#partitions.map(({ label, offset, size }) => {
      const first = offset / SECTOR_SIZE;
      const sectors = size / SECTOR_SIZE;
      let shown = sectors;
      while (shown > 0 && !this.#contents.has(first + shown - 1)) shown--;
      for (let sector = first; sector < first + shown; sector++) places.set(sector, places.size);
      return { name: label, sectors, shown };
    });
    return {
      partitions,
      start: [...places.keys()].map((sector) => this.#start.get(sector) ?? 0).join(""),
      changes: this.#changes.flatMap(([atMs, sector, content]) => {
        const place = places.get(sector);
        return place === undefined ? [] : [[atMs, place, content] as const];
      }),
    };
  }

  #contentOf(sector: number): number {
    return SECTOR_CONTENTS.indexOf(this.#nameOf(sector));
  }

  #nameOf(sector: number): SectorContent {
    const bytes = this.#flash.truth(sector * SECTOR_SIZE, SECTOR_SIZE);
    if (isErased(bytes)) return "erased";
    const slot = this.#partitions.find(
      ({ offset, size }) => sector * SECTOR_SIZE >= offset && sector * SECTOR_SIZE < offset + size,
    );
    if (slot?.type !== PartitionType.APP) return "data";
    return this.#images.contentOf(bytes, sector * SECTOR_SIZE - slot.offset) ?? "data";
  }
}
