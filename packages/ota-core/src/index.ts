export { concatBytes, decodeText, decodeUtf8, equalBytes, fromHex, toHex, utf8, viewOf } from "./bytes.ts";
export {
  isOtaError,
  OtaError,
  type OtaErrorCode,
  type OtaErrorDetails,
  type OtaErrorOptions,
  type Problem,
} from "./errors.ts";
export {
  type FleetChange,
  type FleetCounts,
  type FleetDevice,
  type FleetReport,
  type FleetReportResult,
  FleetView,
  isBehind,
} from "./fleet/fleet-view.ts";
export { formatHex } from "./format-hex.ts";
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
export { usedChannels } from "./manifest/channels.ts";
export {
  channelsFromEnvironment,
  type Environment,
  type ExpandedChannels,
  expandEnvironment,
  type UnsetVariable,
} from "./manifest/environment.ts";
export { DEFAULT_PROTOCOLS, parseRootManifest } from "./manifest/root.ts";
export { type ChannelSecret, secretsOf } from "./manifest/secrets.ts";
export { addVersion, type NewVersionEntry } from "./manifest/update.ts";
export { parseVersionManifest } from "./manifest/version.ts";
export { buildChunk, CHUNK_HEADER_SIZE, type Chunk, type ChunkParts, parseChunk } from "./messages/chunk.ts";
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
export { buildOffer, type OfferDocument, parseOffer } from "./messages/offer.ts";
export type { ReportedError } from "./messages/reported-error.ts";
export { buildRequest, parseRequest } from "./messages/request.ts";
export { buildStateReport, type DeviceState, parseStateReport, readStateReport } from "./messages/state-report.ts";
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
export { type DeviceMessage, messageEvent } from "./receiver/message-event.ts";
export { Receiver } from "./receiver/receiver.ts";
export type {
  DropReason,
  FlashOperation,
  FlashResult,
  NetworkStatus,
  ReceiverAction,
  ReceiverEvent,
  ReceiverStats,
  ReceiverTimer,
  RefusedImage,
  RunningImage,
  StoredImage,
  TargetSlot,
} from "./receiver/receiver-events.ts";
export type { ReceiverOptions } from "./receiver/receiver-options.ts";
export {
  type Attempt,
  BLANK_RECORD,
  buildReceiverRecord,
  type Outcome,
  parseReceiverRecord,
  type ReceiverRecord,
} from "./receiver/receiver-record.ts";
export type {
  Artifact,
  Channels,
  Deployment,
  DeviceRequest,
  DevicesTarget,
  HttpsChannel,
  MqttChannel,
  Offer,
  OfferConstraints,
  OfferTarget,
  Product,
  ReportError,
  Rollout,
  RolloutTarget,
  RootManifest,
  StateReport,
  ValidateDocument,
  VersionEntry,
  VersionManifest,
} from "./schemas/types.generated.ts";
export { redactorOf } from "./secret-text.ts";
export { HashListSurvey, type SurveyObstacle } from "./sender/hash-list-survey.ts";
export type { DeliveryLimit } from "./sender/limit-clock.ts";
export { Sender } from "./sender/sender.ts";
export { type ReceivedMessage, senderEventOf } from "./sender/sender-event-of.ts";
export type {
  CompetingOffer,
  DeliveryOutcome,
  DeviceProgress,
  SenderAction,
  SenderEvent,
  SenderStats,
  SenderTimer,
} from "./sender/sender-events.ts";
export type { SenderOptions } from "./sender/sender-options.ts";
export { createSha256, type Sha256, sha256 } from "./sha256.ts";
