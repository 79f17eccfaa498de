export { BROKER_LIMITS, type BrokerLimits } from "./broker-limits.ts";
export {
  type BrokerRefusal,
  type BrokerTls,
  type EmbeddedBroker,
  type EmbeddedBrokerOptions,
  type PublishedMessage,
  startEmbeddedBroker,
} from "./embedded-broker.ts";
export type { BlobTopics } from "./message-size.ts";
export { type BrokerUser, parsePasswordFile, passwordLine, readPasswordFile } from "./password-file.ts";
export type { PasswordCost, PasswordHash } from "./password-hash.ts";
