export { BROKER_LIMITS, type BrokerLimits } from "./broker-limits.ts";
export {
  type BrokerRefusal,
  type BrokerTls,
  type EmbeddedBroker,
  type EmbeddedBrokerOptions,
  startEmbeddedBroker,
} from "./embedded-broker.ts";
export {
  type GuardedClient,
  type GuardOptions,
  guardClient,
  type MessageFilter,
  type SkippedMessage,
} from "./guard-stream.ts";
export { BLOB_SIZE_MAX, type BlobTopics } from "./message-size.ts";
export { type BrokerUser, parsePasswordFile, passwordLine, readPasswordFile } from "./password-file.ts";
export type { PasswordCost, PasswordHash } from "./password-hash.ts";
export { ReconnectDelay, type ReconnectDelayOptions } from "./reconnect-delay.ts";
