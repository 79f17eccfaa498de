import { concatBytes, utf8, viewOf } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { sha256 } from "../sha256.ts";
import {
  APP_DESCRIPTOR_OFFSET,
  APP_DESCRIPTOR_SIZE,
  type AppDescriptor,
  buildAppDescriptor,
} from "./app-descriptor.ts";
import { type AppImageParts, encodeAppImage } from "./app-image.ts";
import { APP_IMAGE_HEADER_SIZE, SEGMENT_HEADER_SIZE } from "./app-image-header.ts";
import { type Chip, type ChipName, chipByName, MMU_PAGE_SIZE } from "./chips.ts";

/** Specification of a synthetic app image. Fields of the app descriptor that are left out get plausible values. */
export interface AppImageSpec extends Partial<AppDescriptor> {
  /** Target chip. @defaultValue `"esp32"` */
  readonly chip?: ChipName;
  /**
   * Size of the image in bytes, rounded up to a multiple of 16. Images of 128 KiB and more have mapped code after
   * padding; smaller ones have only constants and RAM.
   *
   * @defaultValue The smallest possible size.
   */
  readonly sizeBytes?: number;
  /** Seed of the contents, uint32. Images with different seeds differ in every sector. @defaultValue 1 */
  readonly seed?: number;
  /** Whether a SHA-256 follows the checksum. @defaultValue `true` */
  readonly hashAppended?: boolean;
  /** Lowest supported chip revision, major × 100 + minor. @defaultValue 0 */
  readonly minChipRevisionFull?: number;
  /** Highest supported chip revision, major × 100 + minor. @defaultValue 65535, which means "not set" */
  readonly maxChipRevisionFull?: number;
  /** Flash size in the header, 0 = 1 MB … 7 = 128 MB. @defaultValue 2 (4 MB) */
  readonly spiSize?: number;
}

/** Maximum size that {@link buildAppImage} accepts, in bytes: no flash of the family is larger than 128 MiB. */
const SIZE_MAX = 0x800_0000;

/** Minimum size of an image with mapped code, in bytes. */
const MAPPED_CODE_SIZE_MIN = 2 * MMU_PAGE_SIZE;

/** Initialized data is small, in bytes; more would not leave room for what the app allocates. */
const RAM_SEGMENT_SIZE_MAX = 0x1_0000;

/** Size of the padding before the mapped code, in bytes. */
const PADDING_SEGMENT_SIZE = 0x400;

/** Size of the checksum byte and the three bytes before it. */
const CHECKSUM_BLOCK_SIZE = 4;

/**
 * Builds a synthetic app image that passes every check of the bootloader, for tests, examples and simulated devices.
 * Its code is noise. The same spec always yields the same bytes.
 *
 * The layout is that of esptool: constants with the app descriptor first, then RAM, then a padding segment and mapped
 * code. The code's flash offset and load address are equal modulo the MMU page, provided that the slot begins on a
 * page.
 *
 * @returns The image. Its size is `sizeBytes`, rounded up to a multiple of 16.
 * @throws {@link OtaError} `image/invalid` if a value doesn't fit its field, the chip is unknown or the size is out of
 *   range.
 */
export function buildAppImage(spec: AppImageSpec = {}): Uint8Array {
  const chip = chipByName(spec.chip ?? "esp32");
  if (chip === undefined) throw new OtaError("image/invalid", `the chip "${spec.chip}" is unknown`, { offset: 12 });
  const hashAppended = spec.hashAppended ?? true;
  const segments = fillSegments(chip, dataEnd(spec.sizeBytes ?? 0, hashAppended), spec);
  const header = {
    spiMode: 2,
    spiSpeed: 0,
    spiSize: spec.spiSize ?? 2,
    entryAddress: segments.at(-1)?.loadAddress ?? 0,
    wpPin: 0xee,
    spiPinDrive: [0, 0, 0],
    chipId: chip.id,
    minChipRevision: 0,
    minChipRevisionFull: spec.minChipRevisionFull ?? 0,
    maxChipRevisionFull: spec.maxChipRevisionFull ?? 0xffff,
    reserved: 0,
  } as const;
  return encodeAppImage({ header, segments, hashAppended });
}

/** Returns the end of the last segment in bytes, so that the whole image has the requested size. */
function dataEnd(sizeBytes: number, hashAppended: boolean): number {
  if (!(sizeBytes >= 0 && sizeBytes <= SIZE_MAX)) {
    const message = `can't build an image of ${sizeBytes} bytes; it must be at most ${SIZE_MAX}`;
    throw new OtaError("image/invalid", message, { offset: 0 });
  }
  const hashSize = hashAppended ? 32 : 0;
  const smallest = APP_DESCRIPTOR_OFFSET + APP_DESCRIPTOR_SIZE + SEGMENT_HEADER_SIZE + CHECKSUM_BLOCK_SIZE + hashSize;
  return 16 * Math.ceil(Math.max(sizeBytes, smallest) / 16) - hashSize - CHECKSUM_BLOCK_SIZE;
}

/** Returns the segments that fill an image up to `end`. */
function fillSegments(chip: Chip, end: number, spec: AppImageSpec): AppImageParts["segments"] {
  const noise = createNoise(spec.seed ?? 1);
  const constants = (size: number) => ({
    loadAddress: chip.drom.start + APP_DESCRIPTOR_OFFSET,
    data: concatBytes([buildAppDescriptor(describe(spec)), noise(size - APP_DESCRIPTOR_SIZE)]),
  });
  const ram = (size: number) => ({ loadAddress: chip.dram.start, data: noise(size) });

  if ((spec.sizeBytes ?? 0) < MAPPED_CODE_SIZE_MIN) {
    const size = end - APP_IMAGE_HEADER_SIZE - 2 * SEGMENT_HEADER_SIZE;
    const ramSize = ramSegmentSize(size - APP_DESCRIPTOR_SIZE);
    return [constants(size - ramSize), ram(ramSize)];
  }
  // As linker scripts do: a third of the image is data, and the code begins 32 bytes after the start of a page.
  const codeOffset = Math.max(1, Math.floor(end / 3 / MMU_PAGE_SIZE)) * MMU_PAGE_SIZE + APP_DESCRIPTOR_OFFSET;
  const size = codeOffset - APP_IMAGE_HEADER_SIZE - 4 * SEGMENT_HEADER_SIZE - PADDING_SEGMENT_SIZE;
  const ramSize = ramSegmentSize(size);
  return [
    constants(size - ramSize),
    ram(ramSize),
    { loadAddress: 0, data: new Uint8Array(PADDING_SEGMENT_SIZE) },
    { loadAddress: chip.irom.start + codeOffset, data: noise(end - codeOffset) },
  ];
}

/** Returns a quarter of `size` in whole words, up to the maximum. */
function ramSegmentSize(size: number): number {
  return Math.min(RAM_SEGMENT_SIZE_MAX, 4 * Math.floor(size / 16));
}

function describe(spec: AppImageSpec): AppDescriptor {
  const { projectName = "app", version = "1.0.0", seed = 1 } = spec;
  return {
    projectName,
    version,
    secureVersion: spec.secureVersion ?? 0,
    time: spec.time ?? "12:00:00",
    date: spec.date ?? "Jan  1 2026",
    idfVersion: spec.idfVersion ?? "v6.0",
    appElfSha256: spec.appElfSha256 ?? sha256(utf8(`${projectName}\n${version}\n${seed}`)),
    minEfuseBlockRevision: spec.minEfuseBlockRevision ?? 0,
    maxEfuseBlockRevision: spec.maxEfuseBlockRevision ?? 0xffff,
    mmuPageSize: spec.mmuPageSize ?? Math.log2(MMU_PAGE_SIZE),
    spiFlashMode: spec.spiFlashMode ?? 3,
    reserved1: spec.reserved1 ?? new Uint8Array(8),
    reserved3: spec.reserved3 ?? new Uint8Array(2),
    reserved2: spec.reserved2 ?? new Uint8Array(72),
  };
}

/** Creates a source of pseudo-random bytes (splitmix32). */
function createNoise(seed: number): (size: number) => Uint8Array {
  let state = seed >>> 0;
  return (size) => {
    const bytes = new Uint8Array(size);
    const view = viewOf(bytes);
    for (let offset = 0; offset + 4 <= size; offset += 4) {
      state = (state + 0x9e37_79b9) >>> 0;
      let word = Math.imul(state ^ (state >>> 16), 0x21f0_aaad);
      word = Math.imul(word ^ (word >>> 15), 0x735a_2d97);
      view.setUint32(offset, word ^ (word >>> 15), true);
    }
    return bytes;
  };
}
