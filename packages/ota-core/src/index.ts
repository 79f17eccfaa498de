export { Bitmap, type Range } from "./bitmap.ts";
export { concatBytes, decodeText, decodeUtf8, equalBytes, fromHex, toHex, utf8, viewOf } from "./bytes.ts";
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
  xorBytes,
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
export { findBootloaderDescriptor } from "./image/bootloader-descriptor.ts";
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
export { formatJson } from "./json/format-json.ts";
export {
  type JsonObject,
  type JsonSpan,
  type JsonValue,
  parseStrictJson,
  type StrictJsonLimits,
  type StrictJsonResult,
} from "./json/strict-json.ts";
export { terminalJson } from "./json/terminal-json.ts";
export { isLoopbackHost } from "./loopback-host.ts";
export { resolveChannels, usedChannels } from "./manifest/channels.ts";
export {
  channelsFromEnvironment,
  type Environment,
  type ExpandedChannels,
  expandEnvironment,
  type UnsetVariable,
} from "./manifest/environment.ts";
export { DEFAULT_PROTOCOLS, parseRootManifest, protocolsOf } from "./manifest/root.ts";
export { type ChannelSecret, secretsOf } from "./manifest/secrets.ts";
export { addVersion, type NewVersionEntry } from "./manifest/update.ts";
export { parseVersionManifest } from "./manifest/version.ts";
export { buildChunk, CHUNK_HEADER_SIZE, type Chunk, type ChunkParts, parseChunk } from "./messages/chunk.ts";
export {
  buildEnvelope,
  type Envelope,
  type EnvelopeSignature,
  envelopeFromJson,
  envelopeToJson,
  parseEnvelope,
  SIGNATURES_MAX,
  type SignedKind,
  signedBytes,
} from "./messages/envelope.ts";
export {
  buildHashList,
  CHUNK_HASH_SIZE,
  chunkCountOf,
  chunkSizeAt,
  createHashListBuilder,
  HashList,
  type HashListBuilder,
  parseHashList,
} from "./messages/hash-list.ts";
export type { Immutable } from "./messages/json-message.ts";
export { buildKeySet, keyIdOf, parseKeySet } from "./messages/key-set.ts";
export { buildOffer, type OfferDocument, parseOffer } from "./messages/offer.ts";
export { buildRelease, parseRelease } from "./messages/release.ts";
export type { ReportedError } from "./messages/reported-error.ts";
export { buildRequest, parseRequest, REQUEST_RANGES_MAX } from "./messages/request.ts";
export { buildStateReport, type DeviceState, parseStateReport } from "./messages/state-report.ts";
export { targetAdmits } from "./messages/target.ts";
export {
  CHUNK_SIZE,
  RECEIVER_TIMING,
  type ReceiverTiming,
  SENDER_TIMING,
  type SenderTiming,
} from "./messages/timing.ts";
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
} from "./messages/topics.ts";
export { type CsvRow, readCsvRows, type UnclosedCsvRow } from "./nvs/csv-rows.ts";
export { formatNvsCsv } from "./nvs/format-nvs-csv.ts";
export { type NvsFileReader, parseNvsCsv } from "./nvs/nvs-csv.ts";
export { decryptNvsPartition, encryptNvsPartition } from "./nvs/nvs-encryption.ts";
export type { NvsBehaviors } from "./nvs/nvs-engine-behaviors.ts";
export {
  buildNvsBlobIndex,
  buildNvsEntry,
  buildNvsVariableData,
  NVS_CRC_SEED,
  NVS_ENTRY_COUNT,
  NVS_ENTRY_SIZE,
  type NvsBlobIndex,
  type NvsEntry,
  NvsType,
  parseNvsBlobIndex,
  parseNvsEntry,
  parseNvsVariableData,
} from "./nvs/nvs-entry.ts";
export type { NvsEntryInput, NvsPairInput } from "./nvs/nvs-entry-input.ts";
export { NvsEntryState, NvsEntryStates, nvsStateWordIndex } from "./nvs/nvs-entry-states.ts";
export { NvsErr } from "./nvs/nvs-err.ts";
export { hashNvsKey, type NvsKey, nvsKeyFromText } from "./nvs/nvs-key.ts";
export { buildNvsKeys, type NvsKeys, parseNvsKeys } from "./nvs/nvs-keys.ts";
export type { NvsOptions } from "./nvs/nvs-options.ts";
export {
  buildNvsPageHeader,
  NVS_PAGE_SIZE,
  type NvsPageHeader,
  type NvsPageState,
  parseNvsPageHeader,
} from "./nvs/nvs-page-header.ts";
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
export { buildKeySetRecord, parseKeySetRecord } from "./receiver/key-set-record.ts";
export { Receiver, type ReceiverOptions } from "./receiver/receiver.ts";
export type {
  DropReason,
  FlashOperation,
  FlashResult,
  ReceiverAction,
  ReceiverEvent,
  ReceiverStats,
  ReceiverTimer,
  RunningImage,
  TargetSlot,
} from "./receiver/receiver-events.ts";
export {
  type Attempt,
  BLANK_RECORD,
  buildReceiverRecord,
  type Outcome,
  parseReceiverRecord,
  type ReceiverRecord,
} from "./receiver/receiver-record.ts";
export {
  productOf,
  type ReleasedImage,
  type ReleaseParts,
  releaseDifference,
  releaseDocument,
} from "./release/release-document.ts";
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
  ProvisionDocument,
  ProvisionedBroker,
  ProvisionedDevice,
  Provisioning,
  Release,
  ReleaseImage,
  ReportError,
  Rollout,
  RolloutTarget,
  RootManifest,
  StateReport,
  ValidateDocument,
  VersionEntry,
  VersionManifest,
} from "./schemas/types.generated.ts";
export type { SchemaError, SchemaValidator } from "./schemas/validator.ts";
export { redactorOf, redactUserInfo } from "./secret-text.ts";
export { Sender, type SenderOptions } from "./sender/sender.ts";
export type {
  CompetingOffer,
  DeliveryOutcome,
  DeviceProgress,
  SenderAction,
  SenderEvent,
  SenderStats,
  SenderTimer,
} from "./sender/sender-events.ts";
export {
  buildLoaderBlock,
  buildLoaderRequest,
  buildLoaderResponse,
  LOADER_BLOCK_HEADER_SIZE,
  LOADER_HEADER_SIZE,
  LoaderOp,
  type LoaderRequest,
  type LoaderResponse,
  loaderChecksum,
  loaderWords,
  parseLoaderBlock,
  parseLoaderRequest,
  parseLoaderResponse,
  STUB_GREETING,
  SYNC_DATA,
  splitLoaderStatus,
} from "./serial/loader-command.ts";
export { LoaderStatus, loaderStatusMeaning } from "./serial/loader-status.ts";
export { buildSecurityInfo, parseSecurityInfo, SecurityFlag, type SecurityInfo } from "./serial/security-info.ts";
export { encodeSlip, SLIP_END, SLIP_FRAME_MAX, SlipDecoder, type SlipPart } from "./serial/slip.ts";
export { createSha256, type Sha256, sha256 } from "./sha256.ts";
export {
  addKey,
  firstKeySet,
  nextKeySet,
  revokeKey,
  rolesOf,
  rotateKey,
  setThreshold,
} from "./signing/key-set-changes.ts";
export { isFullySigned, keySetProgress, type SigningProgress, signaturesNeeded } from "./signing/key-set-progress.ts";
export { advanceKeySet, readKeySet } from "./signing/key-set-step.ts";
export { buildPublicKeyPem, type PemBlock, parsePem, parsePublicKeyPem } from "./signing/pem.ts";
export { type PublicKey, parsePublicKey, type SignatureAlgorithm } from "./signing/public-key.ts";
export { type KeyedSignature, type Signer, signEnvelope } from "./signing/sign-envelope.ts";
export { hasSignatureForm, type SignatureVerifier, verifySignature } from "./signing/signature-verifier.ts";
export { earliestBuildTime } from "./signing/time-floor.ts";
export { KEY_ROLES, type KeyRoleName, type TrustedKeys, type TrustedRole, trustKeys } from "./signing/trusted-keys.ts";
export { type VerifiedEnvelope, verifyEnvelope } from "./signing/verify-envelope.ts";
export { WebCryptoVerifier } from "./signing/web-crypto-verifier.ts";
