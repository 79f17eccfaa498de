import { BLOB_SIZE_MAX } from "./message-size.ts";

/** Resource limits of an embedded broker. */
export interface BrokerLimits {
  /** Maximum time until CONNECT, and before that for the TLS handshake, in milliseconds. */
  readonly connectTimeoutMs: number;
  /**
   * Maximum time that a client may leave its messages unread, in milliseconds. A message is finished only when every
   * subscriber has received it, so a device without power delays all others for this time.
   */
  readonly drainTimeoutMs: number;
  /** Maximum size of CONNECT, in bytes: identifier, user name, password, and a state report as the will. */
  readonly connectSizeMax: number;
  /** Maximum size of a message on a topic outside the protocol, from a client that may deliver images, in bytes. */
  readonly blobSizeMax: number;
  /** Maximum total announced size of all packets that have begun and not ended, in bytes. */
  readonly unfinishedBytesMax: number;
  /** Maximum total size of all retained messages, in bytes. */
  readonly retainedBytesMax: number;
  /** Maximum total size of the retained messages of one publisher, or of one process of this machine, in bytes. */
  readonly retainedBytesPerPublisherMax: number;
  /** Maximum total size of the retained messages of one device, in bytes. Devices without a name share it by address. */
  readonly retainedBytesPerDeviceMax: number;
  /** Maximum number of levels of a topic. */
  readonly topicLevelsMax: number;
  /** Maximum number of subscriptions of a device; the protocol needs six. */
  readonly deviceSubscriptionsMax: number;
  /** Maximum number of subscriptions of any other client. */
  readonly subscriptionsMax: number;
  /** Maximum number of QoS 2 messages that a client has sent and not released. */
  readonly inflightQos2Max: number;
  /** Maximum number of connections from one address of another machine. */
  readonly connectionsPerAddressMax: number;
  /** Maximum number of connections from this machine, which may run thousands of simulated devices. */
  readonly localConnectionsMax: number;
}

const MIB = 1024 * 1024;

/** Default limits. */
export const BROKER_LIMITS: BrokerLimits = {
  connectTimeoutMs: 5_000,
  drainTimeoutMs: 5_000,
  connectSizeMax: 8 * 1024,
  blobSizeMax: BLOB_SIZE_MAX,
  unfinishedBytesMax: 24 * MIB,
  retainedBytesMax: 32 * MIB,
  retainedBytesPerPublisherMax: 24 * MIB,
  retainedBytesPerDeviceMax: MIB,
  topicLevelsMax: 32,
  deviceSubscriptionsMax: 32,
  subscriptionsMax: 4_096,
  inflightQos2Max: 8,
  connectionsPerAddressMax: 128,
  localConnectionsMax: 20_000,
};
