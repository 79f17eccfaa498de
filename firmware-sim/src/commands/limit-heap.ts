import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** Size of V8's young generation, in bytes. It begins with less, and grows to eight times as much by itself. */
const YOUNG_GENERATION_BYTES = 16 * 1024 * 1024;

/** Most that is allocated to make the young generation grow, in arrays of 8 KiB. */
const ARRAYS_MAX = 16_384;

/** By how much the heap may grow after a full collection before the next one, in percent. V8 lets it grow to a multiple. */
const GROWTH_PERCENT = 50;

/**
 * Makes V8 collect garbage early in this process. A fleet that receives an image makes garbage of 4 KiB for each chunk and
 * device, outside of the heap, where V8 hardly counts it: without limits most of the memory of a thousand devices is
 * garbage.
 */
export function limitHeap(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
  growYoungGeneration();
  // The only limit of the young generation that V8 reads again after the start of the process.
  setFlagsFromString("--semi-space-growth-factor=1");
}

/** Allocates what survives, because of which V8 doubles its young generation. */
function growYoungGeneration(): void {
  const kept: number[][] = [];
  while (youngGenerationBytes() < YOUNG_GENERATION_BYTES && kept.length < ARRAYS_MAX) {
    kept.push(new Array<number>(1_024).fill(kept.length));
  }
}

/** Returns the size of V8's young generation, in bytes. */
export function youngGenerationBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: space }) => space === "new_space")?.space_size ?? 0;
}
