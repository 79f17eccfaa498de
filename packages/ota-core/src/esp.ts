export { crc32 } from "./crc32.ts";
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
  xorBytes,
} from "./image/app-image.ts";
export {
  APP_IMAGE_HEADER_SIZE,
  APP_IMAGE_MAGIC,
  type AppImageHeader,
  parseAppImageHeader,
  parseSegmentHeader,
  SEGMENT_HEADER_SIZE,
  type SegmentHeader,
} from "./image/app-image-header.ts";
export { type AppImageReport, parseAppImage } from "./image/app-image-scanner.ts";
export { findBootloaderDescriptor } from "./image/bootloader-descriptor.ts";
export { type AppImageSpec, buildAppImage } from "./image/build-app-image.ts";
export {
  SINGLEAPP_PARTITION_CSV,
  TWO_OTA_LARGE_PARTITION_CSV,
  TWO_OTA_PARTITION_CSV,
} from "./image/built-in-partition-tables.ts";
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
  revisionName,
} from "./image/chips.ts";
export {
  FLASH_MODES,
  FLASH_SIZES,
  type FlashSettings,
  flashFrequencies,
  withFlashSettings,
} from "./image/flash-settings.ts";
export {
  createImageJudge,
  type ImageFault,
  type ImageJudge,
  type JudgedImage,
  type SoundImage,
} from "./image/judge-image.ts";
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
export { formatPartitionCsv, type PartitionCsvOptions, parsePartitionCsv } from "./image/partition-csv.ts";
export { isBinaryPartitionTable, parsePartitionFile } from "./image/partition-file.ts";
export { AppSubtype, DataSubtype, OTA_SLOTS_MAX, PartitionFlag, PartitionType } from "./image/partition-names.ts";
export {
  buildPartitionTable,
  findPartition,
  otaSlots,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type PartitionEntry,
  type PartitionTable,
  parsePartitionTable,
} from "./image/partition-table.ts";
export {
  buildSignatureBlock,
  parseSignatureBlock,
  SIGNATURE_BLOCK_MAGIC,
  SIGNATURE_BLOCK_SIZE,
  SIGNATURE_SECTOR_SIZE,
  type SignatureBlock,
  type SignatureScheme,
  signatureOffset,
  signedDigest,
} from "./image/signature-block.ts";
export { type InspectFlashOptions, inspectFlash } from "./inspect/inspect-flash.ts";
export { inspectImage } from "./inspect/inspect-image.ts";
export type {
  AppImageInspection,
  BootloaderInspection,
  FlashInspection,
  FlashPartition,
  InspectedNvsEntry,
  InspectedOtadataEntry,
  InspectedPartition,
  InspectedSegment,
  InspectedSignature,
  InspectedSignatureBlock,
  InspectedSum,
  Inspection,
  InspectOptions,
  InspectProblem,
  NvsInspection,
  OtadataInspection,
  PartitionTableInspection,
  SignatureBlockInspection,
  SuggestedTable,
  UnknownInspection,
} from "./inspect/inspection.ts";
export { type CsvRow, readCsvRows, type UnclosedCsvRow } from "./nvs/csv-rows.ts";
export { formatNvsCsv } from "./nvs/format-nvs-csv.ts";
export { type NvsFileReader, parseNvsCsv } from "./nvs/nvs-csv.ts";
export { decryptNvsPartition, encryptNvsPartition } from "./nvs/nvs-encryption.ts";
export type { NvsBehaviors } from "./nvs/nvs-engine-behaviors.ts";
export {
  buildNvsBlobIndex,
  buildNvsEntry,
  buildNvsVariableData,
  NVS_ENTRY_COUNT,
  type NvsBlobIndex,
  type NvsEntry,
  NvsType,
} from "./nvs/nvs-entry.ts";
export type { NvsEntryInput, NvsPairInput } from "./nvs/nvs-entry-input.ts";
export { NvsEntryState, NvsEntryStates, nvsStateWordIndex } from "./nvs/nvs-entry-states.ts";
export { NvsErr } from "./nvs/nvs-err.ts";
export { hashNvsKey, type NvsKey, nvsKeyFromText } from "./nvs/nvs-key.ts";
export { buildNvsKeys, type NvsKeys, parseNvsKeys } from "./nvs/nvs-keys.ts";
export type { NvsOptions } from "./nvs/nvs-options.ts";
export { buildNvsPageHeader, NVS_PAGE_SIZE, type NvsPageState } from "./nvs/nvs-page-header.ts";
export {
  type NvsPartition,
  type NvsPartitionEntry,
  type NvsPartitionPage,
  type NvsProblem,
  readNvsPartition,
} from "./nvs/nvs-partition.ts";
export type { NvsStorage } from "./nvs/nvs-storage.ts";
export { type NvsStats, NvsStore } from "./nvs/nvs-store.ts";
export type { NvsValueType } from "./nvs/nvs-value.ts";
export { buildNvsPartition, type NvsPartitionOptions } from "./nvs/nvs-writer.ts";
export { checkProvisioning } from "./provisioning/provisioning.ts";
export {
  PROVISIONING_KEYS,
  PROVISIONING_NAMESPACE,
  type ProvisioningKey,
  type ProvisioningValues,
  provisioningEntries,
  provisioningOfPartition,
  readProvisioning,
} from "./provisioning/provisioning-nvs.ts";
export type {
  ProvisionDocument,
  ProvisionedBroker,
  ProvisionedDevice,
  Provisioning,
} from "./schemas/types.generated.ts";
