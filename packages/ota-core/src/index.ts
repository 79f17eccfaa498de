export { concatBytes, decodeUtf8, equalBytes, fromHex, toHex, utf8, viewOf } from "./bytes.ts";
export { crc32 } from "./crc32.ts";
export {
  isOtaError,
  OtaError,
  type OtaErrorCode,
  type OtaErrorDetails,
  type OtaErrorOptions,
  type Problem,
} from "./errors.ts";
export {
  APP_DESCRIPTOR_MAGIC,
  APP_DESCRIPTOR_OFFSET,
  APP_DESCRIPTOR_SIZE,
  type AppDescriptor,
  buildAppDescriptor,
  parseAppDescriptor,
} from "./image/app-descriptor.ts";
export {
  type AppImage,
  type AppImageParts,
  type AppImageSegment,
  assertAppImage,
  CHECKSUM_INITIAL,
  checksumPaddingSize,
  encodeAppImage,
  SEGMENT_SIZE_LIMIT,
  SEGMENTS_MAX,
  verifyAppImage,
} from "./image/app-image.ts";
export {
  APP_IMAGE_HEADER_SIZE,
  APP_IMAGE_MAGIC,
  type AppImageHeader,
  buildAppImageHeader,
  parseAppImageHeader,
  parseSegmentHeader,
  SEGMENT_HEADER_SIZE,
  type SegmentHeader,
} from "./image/app-image-header.ts";
export { type AppImageSpec, buildAppImage } from "./image/build-app-image.ts";
export {
  type AddressRange,
  CHIPS,
  type Chip,
  type ChipName,
  chipById,
  chipByName,
  chipsOfHardware,
  isMappedAddress,
  MMU_PAGE_SIZE,
} from "./image/chips.ts";
export {
  buildOtadataEntry,
  chooseActive,
  isSelectInvalid,
  isSelectValid,
  OTADATA_ENTRY_SIZE,
  OTADATA_SECTOR_SIZE,
  OTADATA_SIZE,
  type Otadata,
  type OtadataEntry,
  OtaImageState,
  otadataCrc,
  otadataEntry,
  otaSlotOfSequence,
  otaStateName,
  parseOtadata,
  parseOtadataEntry,
} from "./image/otadata.ts";
export {
  AppSubtype,
  DataSubtype,
  OTA_SLOTS_MAX,
  PartitionFlag,
  PartitionType,
  partitionSubtypeName,
  partitionTypeName,
} from "./image/partition-names.ts";
export {
  buildPartitionTable,
  findPartition,
  otaSlots,
  PARTITION_ENTRY_SIZE,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type PartitionEntry,
  type PartitionTable,
  parsePartitionTable,
} from "./image/partition-table.ts";
export { createSha256, type Sha256, sha256 } from "./sha256.ts";
