/** Limits of the queue that a broker keeps for each client. 0 means no limit. */
export interface QueueLimits {
  /** QoS 1 messages that are sent and not acknowledged (Mosquitto's `max_inflight_messages`). */
  readonly inFlightMax: number;
  /** Messages that wait to be sent; more are dropped (Mosquitto's `max_queued_messages`). */
  readonly queueMax: number;
}

/** Limits of Mosquitto without configuration. */
export const MOSQUITTO_LIMITS: QueueLimits = { inFlightMax: 20, queueMax: 1_000 };

/** Properties of a client's connection. */
export interface LineOptions {
  /** Time that a byte takes from one end to the other, in milliseconds. */
  readonly latencyMs: number;
  /** Bytes per second in each direction; 0 means no limit. */
  readonly bytesPerSecond: number;
  /** Bytes that the client accepts before its software has handled them, as TCP's receive window; 0 means no limit. */
  readonly receiveBytes: number;
  /**
   * Keep-alive of MQTT, in milliseconds: a client notices a dead connection after this time, the broker after one and a half
   * times as much. 0: both notice at once.
   */
  readonly keepAliveMs: number;
  readonly limits: QueueLimits;
}

/** A network without delay or limits. */
export const IDEAL_LINE: LineOptions = {
  latencyMs: 0,
  bytesPerSecond: 0,
  receiveBytes: 0,
  keepAliveMs: 0,
  limits: { inFlightMax: 0, queueMax: 0 },
};

/** Network of a world. */
export interface NetworkOptions {
  /**
   * Range that each client's latency is drawn from, in milliseconds.
   *
   * @defaultValue 1 to 20
   */
  readonly latencyMs?: readonly [min: number, max: number] | undefined;
  /** Properties of the devices' connections. A device's own take precedence. */
  readonly devices?: Partial<LineOptions> | undefined;
  /** Properties of the publishers' connections. */
  readonly publishers?: Partial<LineOptions> | undefined;
}

/** Something that happened on a client's connection. */
export interface NetworkEvent {
  readonly type: "connect" | "end" | "publish" | "deliver" | "drop" | "lose";
  /** Topic and size of the message, for the types that have one. */
  readonly topic?: string;
  readonly bytes?: number;
}

/** A {@link NetworkEvent} in a world. */
export interface WorldEvent extends NetworkEvent {
  readonly now: number;
  /** A device's name, or `publisher-` and a number. */
  readonly client: string;
}

/** Counts of what happened in the network of a world. */
export interface NetworkCounts {
  published: number;
  /** Bytes that the broker passed on, each copy counted. */
  bytesDelivered: number;
  delivered: number;
  /** Messages that the broker dropped because a client's queue was full. */
  dropped: number;
  /** Messages lost, duplicated and delayed by faults. */
  lost: number;
  duplicated: number;
  delayed: number;
  /** Publishes and subscriptions of a client without a connection. */
  offline: number;
  connections: number;
  /** Connections that the broker or a partition refused. */
  refused: number;
  /** Connections that ended because their client connected again. */
  takeovers: number;
  /** Connections that the broker, or a client, ended because the other side was silent. */
  keepAliveEnds: number;
  partitions: number;
  brokerRestarts: number;
  /** Greatest number of messages, and of bytes, that waited for one client. */
  queuedMax: number;
  queuedBytesMax: number;
}

/** Returns counts of 0. */
export function zeroNetworkCounts(): NetworkCounts {
  return {
    published: 0,
    bytesDelivered: 0,
    delivered: 0,
    dropped: 0,
    lost: 0,
    duplicated: 0,
    delayed: 0,
    offline: 0,
    connections: 0,
    refused: 0,
    takeovers: 0,
    keepAliveEnds: 0,
    partitions: 0,
    brokerRestarts: 0,
    queuedMax: 0,
    queuedBytesMax: 0,
  };
}
