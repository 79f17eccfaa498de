export { Bitmap, type Range } from "./bitmap.ts";
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
export {
  type AppImageReport,
  type AppImageScanner,
  createAppImageScanner,
  parseAppImage,
} from "./image/app-image-scanner.ts";
export { type AppImageSpec, buildAppImage } from "./image/build-app-image.ts";
export {
  BUILT_IN_PARTITION_TABLES,
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
export { formatPartitionCsv, type PartitionCsvOptions, parsePartitionCsv } from "./image/partition-csv.ts";
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
export { formatJson } from "./json/format-json.ts";
export {
  type JsonObject,
  type JsonSpan,
  type JsonValue,
  parseStrictJson,
  type StrictJsonLimits,
  type StrictJsonResult,
} from "./json/strict-json.ts";
export { type Channel, resolveChannels } from "./manifest/channels.ts";
export { DEFAULT_PROTOCOLS, parseRootManifest, protocolsOf } from "./manifest/root.ts";
export { addVersion, type NewVersionEntry } from "./manifest/update.ts";
export { parseVersionManifest } from "./manifest/version.ts";
export { buildChunk, CHUNK_HEADER_SIZE, type Chunk, type ChunkParts, parseChunk } from "./protocol/chunk.ts";
export {
  buildEnvelope,
  type Envelope,
  type EnvelopeSignature,
  envelopeFromJson,
  envelopeToJson,
  parseEnvelope,
  type SignedKind,
  signedBytes,
} from "./protocol/envelope.ts";
export {
  buildHashList,
  CHUNK_HASH_SIZE,
  chunkCountOf,
  chunkSizeAt,
  createHashListBuilder,
  HashList,
  type HashListBuilder,
  parseHashList,
} from "./protocol/hash-list.ts";
export type { Immutable } from "./protocol/json-message.ts";
export { buildKeySet, keyIdOf, parseKeySet } from "./protocol/key-set.ts";
export { buildOffer, type OfferDocument, parseOffer } from "./protocol/offer.ts";
export { Receiver, type ReceiverOptions } from "./protocol/receiver.ts";
export type {
  DeviceState,
  DropReason,
  FlashOperation,
  FlashResult,
  ReceiverAction,
  ReceiverEvent,
  ReceiverStats,
  ReceiverTimer,
  ReportedError,
  RunningImage,
  TargetSlot,
} from "./protocol/receiver-events.ts";
export {
  type Attempt,
  BLANK_RECORD,
  buildReceiverRecord,
  type Outcome,
  parseReceiverRecord,
  type ReceiverRecord,
} from "./protocol/receiver-record.ts";
export { buildRelease, parseRelease } from "./protocol/release.ts";
export { buildRequest, parseRequest, REQUEST_RANGES_MAX } from "./protocol/request.ts";
export { Sender, type SenderOptions } from "./protocol/sender.ts";
export type {
  DeliveryOutcome,
  DeviceProgress,
  SenderAction,
  SenderEvent,
  SenderStats,
  SenderTimer,
} from "./protocol/sender-events.ts";
export { buildStateReport, parseStateReport } from "./protocol/state-report.ts";
export { targetAdmits } from "./protocol/target.ts";
export {
  CHUNK_SIZE,
  RECEIVER_TIMING,
  type ReceiverTiming,
  SENDER_TIMING,
  type SenderTiming,
} from "./protocol/timing.ts";
export {
  imageIdOf,
  isDeviceId,
  isTopicRoot,
  MESSAGE_SIZE_MAX,
  type ParsedTopic,
  parseTopic,
  TOPIC_SIZE_MAX,
  type Topics,
  topicsOf,
} from "./protocol/topics.ts";
export { problemsOf } from "./schemas/problems.ts";
export type {
  Artifact,
  Channels,
  Deployment,
  DeviceRequest,
  DevicesTarget,
  Envelope as EnvelopeJson,
  HttpsChannel,
  KeyRecord,
  KeyRole,
  KeySet,
  MqttChannel,
  Offer,
  OfferConstraints,
  OfferTarget,
  Product,
  Release,
  ReleaseImage,
  ReportError,
  Rollout,
  RolloutTarget,
  RootManifest,
  StateReport,
  VersionEntry,
  VersionManifest,
} from "./schemas/types.generated.ts";
export type { SchemaError, SchemaValidator } from "./schemas/validator.ts";
export { createSha256, type Sha256, sha256 } from "./sha256.ts";
