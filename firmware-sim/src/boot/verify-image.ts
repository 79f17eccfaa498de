import { createSha256, equalBytes, formatHex, type Sha256, viewOf } from "@tinybms/ota-core";
import {
  APP_DESCRIPTOR_MAGIC,
  APP_DESCRIPTOR_SIZE,
  APP_IMAGE_HEADER_SIZE,
  APP_IMAGE_MAGIC,
  type AppDescriptor,
  type AppImageHeader,
  CHECKSUM_INITIAL,
  type Chip,
  checksumPaddingSize,
  isMappedAddress,
  MMU_PAGE_SIZE,
  parseAppImageHeader,
  parseSegmentHeader,
  revisionName,
  SEGMENT_HEADER_SIZE,
  SEGMENT_SIZE_LIMIT,
  SEGMENTS_MAX,
  SIGNATURE_SECTOR_SIZE,
  xorBytes,
} from "@tinybms/ota-core/esp";
import { EspAbort } from "../esp-err/esp-abort.ts";
import { EspErr } from "../esp-err/esp-err.ts";
import type { FlashReader } from "../flash/flash-reader.ts";
import { toAppDescription } from "./app-description.ts";
import { checkChipValidity, isRevisionSet } from "./check-chip-validity.ts";
import type { Efuse } from "./efuse.ts";
import type { ImageSegment, ImageVerification, PartitionRange, VerifyOptions } from "./image-verification.ts";
import { type SignaturePolicy, verifySignatureSector } from "./secure-boot-v2.ts";

const HASH_SIZE = 32;
/** MMU pages with which a bootloader maps an image (`bootloader_flash.c:MMU_SIZE`), on ESP32 and on other chips. */
const ESP32_FREE_MMU_PAGES = 50;
const FREE_MMU_PAGES = 63;
/** Maximum partition size, except on chips with 32-bit cache addresses (`SIXTEEN_MB`). */
const PARTITION_SIZE_MAX = 0x100_0000;
/** Segments with lower load addresses are padding and are skipped. */
const LOAD_ADDRESS_MIN = 0x1000_0000;

/**
 * Verifies the app image at the start of a partition, in the order and with the results of ESP-IDF's `image_load`
 * (`bootloader_support/src/esp_image_format.c`). Reports the first failure.
 *
 * Steps: 2 partition size, 3 flash, 4 magic, 5 chip, 6 and 7 chip revision, 8 segment count, 9 segment length, 10 room
 * for the app descriptor, 11 descriptor, 12 MMU page alignment, 14 end of flash, 15 eFuse block revision, 17 end
 * address, 18 checksum, 19 partition size, 20 hash or signature, 21 secure version. (1 and 13 can't fail here; 16 aborts.)
 *
 * Reads each byte once, without a copy; 1.3 MB take about 1 ms.
 *
 * @param flash - Flash to read from.
 * @param partition - The slot. Its end limits the image only after all other checks, as in ESP-IDF.
 * @param chip - Chip that will run the image.
 * @param efuse - eFuses of that chip.
 * @throws {@link EspAbort} if an app with anti-rollback asserts the descriptor's magic word (step 16).
 */
export function verifyImage(
  flash: FlashReader,
  partition: PartitionRange,
  chip: Chip,
  efuse: Efuse,
  options: VerifyOptions,
): ImageVerification {
  const verify = (reader: FlashReader) => new Verification(reader, partition, chip, efuse, options).run();
  const key = verificationKey(partition, chip, efuse, options);
  if (flash.remember === undefined || key === undefined) return verify(flash);
  return flash.remember(`verifyImage ${key}`, verify);
}

/**
 * Returns a text that names everything besides flash that the result of {@link verifyImage} depends on. The environment
 * matters only with anti-rollback, and at the end of the flash, where nothing is cached.
 *
 * @returns `undefined` if the image must be signed: then the result also depends on keys.
 */
export function verificationKey(
  partition: PartitionRange,
  chip: Chip,
  efuse: Efuse,
  options: VerifyOptions,
): string | undefined {
  if (options.signature !== undefined) return undefined;
  const { chipRevision, blockRevision, disableWaferVersionMajor, disableBlockVersionMajor, secureVersion } = efuse;
  const revisions = [chipRevision, blockRevision, disableWaferVersionMajor, disableBlockVersionMajor];
  const { environment, validate = true, antiRollback = false, behaviors } = options;
  const { refusesShortFirstSegment, checksMagicAlways, verifiesLongFirstSegment } = behaviors;
  const checks = [validate, antiRollback && [environment, secureVersion, verifiesLongFirstSegment]];
  const { offset, sizeBytes } = partition;
  const rules = [refusesShortFirstSegment, checksMagicAlways];
  return JSON.stringify([offset, sizeBytes, chip.id, revisions, checks, rules]);
}

type InvalidImage = ImageVerification & { readonly kind: "invalid" };

class Verification {
  readonly #flash: FlashReader;
  readonly #partition: PartitionRange;
  readonly #chip: Chip;
  readonly #efuse: Efuse;
  readonly #options: VerifyOptions;
  readonly #validate: boolean;
  readonly #sha: Sha256 = createSha256();
  readonly #segments: ImageSegment[] = [];
  #checksum = CHECKSUM_INITIAL;
  #descriptor: AppDescriptor | undefined;
  /** Offset of the next byte to read, in the flash. */
  #position: number;

  constructor(flash: FlashReader, partition: PartitionRange, chip: Chip, efuse: Efuse, options: VerifyOptions) {
    this.#flash = flash;
    this.#partition = partition;
    this.#chip = chip;
    this.#efuse = efuse;
    this.#options = options;
    this.#validate = options.validate ?? true;
    this.#position = partition.offset;
  }

  run(): ImageVerification {
    const { offset, sizeBytes } = this.#partition;
    if (sizeBytes > PARTITION_SIZE_MAX && !this.#chip.addresses32Bit) {
      return failure(2, EspErr.ESP_ERR_INVALID_ARG, `partition size ${formatHex(sizeBytes)} invalid, larger than 16MB`);
    }
    const headerBytes = this.#take(APP_IMAGE_HEADER_SIZE);
    if (headerBytes === undefined) return this.#flashError();
    const checksMagic = this.#validate || this.#options.behaviors.checksMagicAlways;
    if (checksMagic && headerBytes[0] !== APP_IMAGE_MAGIC) {
      const reason = `image at ${formatHex(offset)} has invalid magic byte (nothing flashed here?)`;
      return failure(4, EspErr.ESP_ERR_IMAGE_INVALID, reason);
    }
    const header = parseAppImageHeader(headerBytes.with(0, APP_IMAGE_MAGIC));
    const bad = this.#checkHeader(header);
    if (bad !== undefined) return bad;
    for (let index = 0; index < header.segmentCount; index++) {
      const badSegment = this.#checkSegment(index);
      if (badSegment !== undefined) return badSegment;
    }
    if (this.#position > 0xffff_ffff) {
      return failure(17, EspErr.ESP_ERR_IMAGE_INVALID, `image offset has wrapped`);
    }
    return this.#checkEnd(header.hashAppended);
  }

  /** Checks steps 5 to 8. */
  #checkHeader(header: AppImageHeader): ImageVerification | undefined {
    const { segmentCount } = header;
    const bad = this.#validate ? checkChipValidity(header, this.#chip, this.#efuse) : undefined;
    if (bad !== undefined) return failure(bad.step, bad.err, bad.reason);
    if (segmentCount <= SEGMENTS_MAX) return undefined;
    const reason = `image at ${formatHex(this.#partition.offset)} segment count ${segmentCount} exceeds max ${SEGMENTS_MAX}`;
    return failure(8, EspErr.ESP_ERR_IMAGE_INVALID, reason);
  }

  /** Checks steps 9 to 16, and adds the segment to checksum and hash. */
  #checkSegment(index: number): ImageVerification | undefined {
    const header = this.#take(SEGMENT_HEADER_SIZE);
    if (header === undefined) return this.#flashError();
    const { loadAddress, dataSize: sizeBytes } = parseSegmentHeader(header);
    const tooLong = sizeBytes >= SEGMENT_SIZE_LIMIT && !this.#chip.addresses32Bit;
    if (sizeBytes % 4 !== 0 || tooLong) {
      const reason = `invalid segment length ${formatHex(sizeBytes)}`;
      return failure(9, EspErr.ESP_ERR_IMAGE_INVALID, reason);
    }
    const flashOffset = this.#position;
    const description = index === 0 ? this.#flash.read(flashOffset, APP_DESCRIPTOR_SIZE) : undefined;
    const bad =
      (description === undefined ? undefined : this.#checkDescription(description, sizeBytes)) ??
      this.#checkAlignment(index, loadAddress);
    if (bad !== undefined) return bad;
    if (index === 0) this.#assertFirstSegmentMapped(flashOffset, sizeBytes);
    this.#segments.push({ flashOffset, loadAddress, sizeBytes, use: this.#useOf(loadAddress) });
    if (!this.#sum(sizeBytes)) {
      // A bootloader maps what the chip returns beyond its end. Such an image fits no partition in any case.
      return this.#options.environment === "app"
        ? failure(14, EspErr.ESP_FAIL, `bootloader_mmap(${formatHex(flashOffset)}, ${formatHex(sizeBytes)}) failed`)
        : this.#doesNotFit(flashOffset + sizeBytes - this.#partition.offset);
    }
    return description === undefined ? undefined : this.#checkRevision(description);
  }

  /** Checks steps 10 and 11. */
  #checkDescription(description: Uint8Array, sizeBytes: number): ImageVerification | undefined {
    if (sizeBytes < APP_DESCRIPTOR_SIZE && this.#options.behaviors.refusesShortFirstSegment) {
      const reason = `Segment 0 data length ${formatHex(sizeBytes)} is too short for app description`;
      return failure(10, EspErr.ESP_ERR_IMAGE_INVALID, reason);
    }
    this.#descriptor = toAppDescription(description);
    if (this.#descriptor !== undefined || !this.#chip.requiresAppDescriptor) return undefined;
    return failure(11, EspErr.ESP_FAIL, `Failed to fetch app description header!`);
  }

  /** Checks step 12: load address and flash offset have the same offset within an MMU page. */
  #checkAlignment(index: number, loadAddress: number): ImageVerification | undefined {
    if (!isMappedAddress(this.#chip, loadAddress)) return undefined;
    const page = this.#mmuPageSize();
    if (this.#position % page === loadAddress % page) return undefined;
    const [address, offset] = [loadAddress, this.#position].map((value) => `0x${value.toString(16).padStart(8, "0")}`);
    const reason = `Segment ${index} load address ${address}, doesn't match data ${offset}`;
    return failure(12, EspErr.ESP_ERR_IMAGE_INVALID, reason);
  }

  /**
   * Aborts as releases do that treat each mapped piece of a long first segment as its start, and so assert the magic word
   * of the app descriptor in each piece.
   */
  #assertFirstSegmentMapped(offset: number, sizeBytes: number): void {
    const { antiRollback, behaviors } = this.#options;
    if (antiRollback !== true || !this.#validate || behaviors.verifiesLongFirstSegment) return;
    const pages = this.#chip.name === "esp32" ? ESP32_FREE_MMU_PAGES : FREE_MMU_PAGES;
    const free = pages - (offset % MMU_PAGE_SIZE === 0 ? 0 : 1);
    if (sizeBytes <= free * MMU_PAGE_SIZE) return;
    throw new EspAbort("process_segment_data", "assert failed: data_buffer[0] == ESP_APP_DESC_MAGIC_WORD");
  }

  /** Checks steps 15 and 16. The bootloader reads these fields even if the magic word is wrong. */
  #checkRevision(description: Uint8Array): ImageVerification | undefined {
    if (!this.#validate) return undefined;
    const view = viewOf(description);
    const [revision, min, max] = [this.#efuse.blockRevision, view.getUint16(176, true), view.getUint16(178, true)];
    if (this.#chip.checksBlockRevision) {
      const but = `but chip is ${revisionName(revision)}`;
      if (isRevisionSet(min) && revision < min) {
        return failure(15, EspErr.ESP_FAIL, `Image requires efuse blk rev >= ${revisionName(min)}, ${but}`);
      }
      if (isRevisionSet(max) && revision > max && !this.#efuse.disableBlockVersionMajor) {
        return failure(15, EspErr.ESP_FAIL, `Image requires efuse blk rev <= ${revisionName(max)}, ${but}`);
      }
    }
    if (this.#options.antiRollback === true && view.getUint32(0, true) !== APP_DESCRIPTOR_MAGIC) {
      throw new EspAbort("process_segment", "assert failed: app_desc->magic_word == ESP_APP_DESC_MAGIC_WORD");
    }
    return undefined;
  }

  /** Checks steps 18 to 21. */
  #checkEnd(hashAppended: boolean): ImageVerification {
    const padding = this.#take(checksumPaddingSize(this.#position - this.#partition.offset));
    if (padding === undefined) return this.#flashError();
    const stored = padding.at(-1) ?? 0;
    if (this.#validate && stored !== this.#checksum) {
      const reason = `Checksum failed. Calculated ${formatHex(this.#checksum)} read ${formatHex(stored)}`;
      return failure(18, EspErr.ESP_ERR_IMAGE_INVALID, reason);
    }
    const calculated = this.#sha.copy();
    const hash = hashAppended ? this.#take(HASH_SIZE) : undefined;
    if (hashAppended && hash === undefined) return this.#flashError();
    const imageSizeBytes = this.#position - this.#partition.offset;
    const unsignedSizeBytes = alignUp(imageSizeBytes);
    const { signature } = this.#options;
    const sizeBytes = signature === undefined ? imageSizeBytes : unsignedSizeBytes + SIGNATURE_SECTOR_SIZE;
    if (sizeBytes > this.#partition.sizeBytes) return this.#doesNotFit(sizeBytes);
    if (this.#validate && signature === undefined && hash !== undefined && !equalBytes(calculated.digest(), hash)) {
      return failure(20, EspErr.ESP_ERR_IMAGE_INVALID, "Image hash failed - image is corrupt");
    }
    if (this.#validate && signature !== undefined) {
      const unsigned = this.#checkSignature(unsignedSizeBytes - imageSizeBytes, signature);
      const isCorrupt = hash !== undefined && !equalBytes(calculated.digest(), hash);
      if (unsigned !== undefined) return { ...unsigned, isCorrupt };
    }
    const { environment, antiRollback = false } = this.#options;
    const secureVersion = this.#descriptor?.secureVersion ?? 0;
    if (environment === "bootloader" && antiRollback && !this.#efuse.allowsSecureVersion(secureVersion)) {
      const reason = `App secure version ${secureVersion} is less than ${this.#efuse.secureVersion} of the eFuse`;
      return failure(21, EspErr.ESP_FAIL, reason);
    }
    return { kind: "valid", image: { imageSizeBytes, segments: this.#segments, descriptor: this.#descriptor } };
  }

  /** Checks step 20 with secure boot v2: the signature over the image, padded to a whole sector, instead of the hash. */
  #checkSignature(paddingSize: number, policy: SignaturePolicy): InvalidImage | undefined {
    if (paddingSize > 0 && this.#take(paddingSize) === undefined) return this.#flashError();
    const sector = this.#flash.read(this.#position, SIGNATURE_SECTOR_SIZE);
    if (sector.length < SIGNATURE_SECTOR_SIZE) return this.#flashError();
    const { offset } = this.#partition;
    const verdict = verifySignatureSector(
      sector,
      (visit) => this.#flash.forEachSector(offset, this.#position - offset, visit),
      policy,
    );
    return verdict.err === EspErr.ESP_OK ? undefined : failure(20, verdict.err, verdict.reason);
  }

  /** Reads and hashes the next bytes. @returns `undefined` if the flash ends before. */
  #take(length: number): Uint8Array | undefined {
    const bytes = this.#flash.read(this.#position, length);
    if (bytes.length < length) return undefined;
    if (this.#validate) this.#sha.update(bytes);
    this.#position += length;
    return bytes;
  }

  /** Adds a segment's data to hash and checksum. @returns `false` if the flash ends before. */
  #sum(length: number): boolean {
    const start = this.#position;
    this.#position += length;
    if (!this.#validate) return this.#position <= this.#flash.sizeBytes;
    return this.#flash.forEachSector(start, length, (bytes) => {
      this.#sha.update(bytes);
      this.#checksum = xorBytes(this.#checksum, bytes);
    });
  }

  #useOf(loadAddress: number): ImageSegment["use"] {
    if (isMappedAddress(this.#chip, loadAddress)) return "map";
    return loadAddress >= LOAD_ADDRESS_MIN ? "load" : "none";
  }

  #mmuPageSize(): number {
    const log2 = this.#descriptor?.mmuPageSize ?? 0;
    return this.#chip.requiresAppDescriptor && log2 > 0 ? 2 ** log2 : MMU_PAGE_SIZE;
  }

  /** Returns the error of a read beyond the end (step 3 and later): the app's driver and the ROM's differ. */
  #flashError(): InvalidImage {
    const err = this.#options.environment === "app" ? EspErr.ESP_ERR_INVALID_ARG : EspErr.ESP_ERR_FLASH_OP_FAIL;
    return failure(
      3,
      err,
      `read at ${formatHex(this.#position)} failed: the flash ends at ${formatHex(this.#flash.sizeBytes)}`,
    );
  }

  #doesNotFit(length: number): ImageVerification {
    const reason = `Image length ${length} doesn't fit in partition length ${this.#partition.sizeBytes}`;
    return failure(19, EspErr.ESP_ERR_IMAGE_INVALID, reason);
  }
}

function alignUp(sizeBytes: number): number {
  return Math.ceil(sizeBytes / SIGNATURE_SECTOR_SIZE) * SIGNATURE_SECTOR_SIZE;
}

function failure(step: number, err: number, reason: string): InvalidImage {
  return { kind: "invalid", err, step, reason };
}
