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

/** An app image to make up. Every field of the app descriptor can be given; those left out have plausible values. */
export interface AppImageSpec extends Partial<AppDescriptor> {
  /** The chip it is for, `esp32` by default. */
  readonly chip?: ChipName;
  /**
   * Size of the image in bytes, rounded up to a multiple of 16; the smallest possible by default. Images of 128 KiB
   * and more have mapped code, behind padding; smaller ones have constants and RAM only.
   */
  readonly sizeBytes?: number;
  /** Decides the contents, uint32, 1 by default: images of different seeds differ in every sector. */
  readonly seed?: number;
  /** Whether a SHA-256 follows the checksum, `true` by default. */
  readonly hashAppended?: boolean;
  /** Lowest chip revision, major × 100 + minor; 0 by default. */
  readonly minChipRevisionFull?: number;
  /** Highest chip revision, major × 100 + minor; 65535, "not set", by default. */
  readonly maxChipRevisionFull?: number;
  /** Flash size of the header, 0 = 1 MB … 7 = 128 MB; 2 (4 MB) by default. */
  readonly spiSize?: number;
}

/** The largest image that {@link buildAppImage} makes, in bytes: no flash of the family is larger than 128 MiB. */
const SIZE_MAX = 0x800_0000;

/** From this size on an image has mapped code, as what ESP-IDF builds has. */
const MAPPED_CODE_SIZE_MIN = 2 * MMU_PAGE_SIZE;

/** Initialised data is small; more wouldn't fit beside what the app allocates. */
const RAM_SEGMENT_SIZE_MAX = 0x1_0000;

/** What is left for the padding before the mapped code. */
const PADDING_SEGMENT_SIZE = 0x400;

/** Checksum byte and the three before it. */
const CHECKSUM_BLOCK_SIZE = 4;

/**
 * Makes up an app image that every check of the bootloader accepts: for tests, examples and simulated devices. Its code
 * is noise. The same spec always gives the same bytes.
 *
 * It is laid out as esptool does: constants with the app descriptor first, then RAM, then mapped code whose offset in
 * flash and load address agree modulo the MMU page, which takes a padding segment. Slots are taken to begin on a page.
 *
 * @returns The image, `sizeBytes` long or the next multiple of 16.
 * @throws {@link OtaError} `image/invalid` if a field doesn't fit or the size can't be.
 */
export function buildAppImage(spec: AppImageSpec = {}): Uint8Array {
  const chip = chipByName(spec.chip ?? "esp32");
  if (chip === undefined) throw new OtaError("image/invalid", `no chip is called ${spec.chip}`, { offset: 12 });
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

/** Where the last segment ends, so that the whole image has the size asked for. */
function dataEnd(sizeBytes: number, hashAppended: boolean): number {
  if (!(sizeBytes >= 0 && sizeBytes <= SIZE_MAX)) {
    const message = `an image of ${sizeBytes} bytes can't be made; it must be at most ${SIZE_MAX}`;
    throw new OtaError("image/invalid", message, { offset: 0 });
  }
  const hashSize = hashAppended ? 32 : 0;
  const smallest = APP_DESCRIPTOR_OFFSET + APP_DESCRIPTOR_SIZE + SEGMENT_HEADER_SIZE + CHECKSUM_BLOCK_SIZE + hashSize;
  return 16 * Math.ceil(Math.max(sizeBytes, smallest) / 16) - hashSize - CHECKSUM_BLOCK_SIZE;
}

/** The segments that fill an image up to `end`. */
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
  // A third of the image is data, and the code begins on a page, 32 bytes in, as linker scripts place both.
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

/** A quarter of what there is, in whole words. */
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

/** A source of bytes that looks random and depends on the seed alone (splitmix32). */
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
