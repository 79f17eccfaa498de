import { BLOB_SIZE_MAX } from "./message-size.ts";

/** What clients may make an embedded broker hold and do. */
export interface BrokerLimits {
  /** How long a connection may take to its CONNECT, and before that for its TLS handshake, in milliseconds. */
  readonly connectTimeoutMs: number;
  /**
   * How long a client may leave what it was sent unread, in milliseconds. A message is done with only when every
   * subscriber took it, so one device that lost its power would hold up all the others for longer.
   */
  readonly drainTimeoutMs: number;
  /** The longest CONNECT, in bytes: identifier, user name, password, and a state report as the will. */
  readonly connectSizeMax: number;
  /** The largest message on a topic that is none of the protocol's, from who may deliver images, in bytes. */
  readonly blobSizeMax: number;
  /** What all packets that have begun and not ended may announce together, in bytes. */
  readonly unfinishedBytesMax: number;
  /** What all retained messages may take together, in bytes. */
  readonly retainedBytesMax: number;
  /** What the retained messages of one publisher, or of one process of this machine, may take, in bytes. */
  readonly retainedBytesPerPublisherMax: number;
  /** What the retained messages of one device may take, in bytes. Devices without a name share it by their address. */
  readonly retainedBytesPerDeviceMax: number;
  /** Levels of a topic. */
  readonly topicLevelsMax: number;
  /** Subscriptions of a device; the protocol needs six. */
  readonly deviceSubscriptionsMax: number;
  /** Subscriptions of any other client. */
  readonly subscriptionsMax: number;
  /** Messages of one client at QoS 2 that it has sent and not released. */
  readonly inflightQos2Max: number;
  /** Connections from one address of another machine. */
  readonly connectionsPerAddressMax: number;
  /** Connections of processes of this machine: simulated devices come by the thousand. */
  readonly localConnectionsMax: number;
}

const MIB = 1024 * 1024;

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
