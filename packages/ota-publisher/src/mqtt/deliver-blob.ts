import { createSha256, OtaError, toHex } from "@tinybms/ota-core";
import type { ArtifactFile } from "../image-file.ts";
import type { AnnouncedLimits } from "./announced-limits.ts";
import { CHUNKED_HINT, refuseAboveProtocol, tooLargeError } from "./blob-size.ts";
import { type BrokerAddress, displayBroker } from "./broker-url.ts";
import type { ConnectionOptions } from "./connect.ts";
import { type BrokerConnection, connectBroker } from "./connection.ts";
import { reasonOfCode } from "./connection-fault.ts";
import { packetSize } from "./publish-packet.ts";
import type { BlobEnd, BlobMessage } from "./send-blob.ts";

/** One file as one message, through one broker. */
export interface BlobPlan {
  readonly broker: BrokerAddress;
  readonly connection: Omit<ConnectionOptions, "signal" | "onRetry" | "forBlob">;
  /** The channel's topic, on which the message is published. */
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly file: ArtifactFile;
  readonly timeoutMs: number;
}

/** What a delivery tells while it runs. */
export interface BlobDeliveryWatch {
  /** Ends the delivery; a message that is not whole then is dropped by the broker. */
  readonly signal: AbortSignal;
  /** Bytes of the file that have left; begins again at 0 when the message does. */
  readonly onProgress: (bytesSent: number) => void;
  /** The broker can't be reached yet; another attempt follows. */
  readonly onRetry: (fault: OtaError) => void;
  /** The connection was lost, or is there again. */
  readonly onConnection: (connected: boolean) => void;
}

/** What became of a message that a broker took. */
export interface BlobOutcome {
  readonly bytesSent: number;
  /** The broker said that no client was subscribed to the topic. One that says nothing may have had none either. */
  readonly reachedNobody: boolean;
}

/** So often a broker may end the connection with the message under way, until that counts as its answer. */
const LOSSES_MAX = 3;

/** How long a broker may take nothing before the connection counts as dead, in milliseconds, where nothing keeps it alive. */
const STALL_TIMEOUT_MS = 60_000;

const PACKET_TOO_LARGE = 149;

/**
 * Delivers a file as the original scripts meant it: the whole file as one message, and no word from any device.
 *
 * @returns When the broker has it: its acknowledgement, or at QoS 0 its answer to a ping sent behind the message.
 * @throws {@link OtaError} `delivery/blob-too-large`, `delivery/broker-unreachable`, `delivery/broker-refused`,
 *   `delivery/connection-lost`, `delivery/timeout`, `image/truncated` and `delivery/image-mismatch` if the file changed
 *   meanwhile; the signal's reason.
 */
export async function deliverBlob(plan: BlobPlan, watch: BlobDeliveryWatch): Promise<BlobOutcome> {
  refuseAboveProtocol(plan);
  const deadline = AbortSignal.timeout(Math.ceil(plan.timeoutMs));
  const signal = AbortSignal.any([watch.signal, deadline]);
  try {
    const { onRetry } = watch;
    const options = { ...plan.connection, forBlob: true, onRetry, signal: watch.signal };
    const connection = await connectBroker(plan.broker, options);
    try {
      return await sendUntilTaken(connection, plan, { ...watch, signal });
    } finally {
      await connection.close();
    }
  } catch (error) {
    watch.signal.throwIfAborted();
    if (!deadline.aborted || error !== deadline.reason) throw error;
    const seconds = plan.timeoutMs / 1000;
    const message = `time is up after ${seconds} s: the broker ${displayBroker(plan.broker)} has not acknowledged the message`;
    const hint = "a slow link may need a longer --timeout; chunked delivery goes on where it was cut off";
    throw new OtaError("delivery/timeout", message, { seconds, devices: [] }, { hint });
  }
}

async function sendUntilTaken(
  connection: BrokerConnection,
  plan: BlobPlan,
  watch: BlobDeliveryWatch,
): Promise<BlobOutcome> {
  for (let losses = 1; ; losses++) {
    refuseByLimits(connection, plan);
    const { keepaliveSeconds = 0 } = plan.connection;
    const stallTimeoutMs = keepaliveSeconds > 0 ? 1_500 * keepaliveSeconds : STALL_TIMEOUT_MS;
    const { signal, onProgress } = watch;
    const end = await connection.sendBlob(messageOf(plan), { onProgress, stallTimeoutMs, signal });
    signal.throwIfAborted();
    if (end.type === "taken") return { bytesSent: plan.file.sizeBytes, reachedNobody: end.reachedNobody };
    if (end.type === "refused") throw refusal(connection, plan, end.reasonCode);
    if (losses === LOSSES_MAX || end.reasonCode !== undefined) throw lossRefusal(connection, plan, end, losses);
    watch.onConnection(false);
    await connection.connectedAgain(signal);
    watch.onConnection(true);
  }
}

/** The message, read from the file as it goes out. The last part goes only if the file is what was measured. */
function messageOf({ topic, qos, retain, file }: BlobPlan): BlobMessage {
  const hash = createSha256();
  return {
    ...{ topic, qos, retain, sizeBytes: file.sizeBytes },
    read(into, offset) {
      file.readAt(into, offset);
      hash.update(into);
      if (offset + into.length < file.sizeBytes) return;
      const actual = toHex(hash.digest());
      if (actual === file.sha256) return;
      const message = `${file.path} changed while it was delivered: its SHA-256 is ${actual}, and was ${file.sha256}`;
      throw new OtaError("delivery/image-mismatch", message, { expected: file.sha256, actual });
    },
  };
}

/** Checks what the broker said of itself when it took the connection. */
function refuseByLimits(connection: BrokerConnection, { topic, qos, retain, file }: BlobPlan): void {
  const { limits, address } = connection;
  if (limits === undefined) return;
  const { version, packetSizeMax, qosMax, canRetain }: AnnouncedLimits = limits;
  const size = packetSize({ topic, qos, retain, payloadSizeBytes: file.sizeBytes, version });
  if (packetSizeMax !== undefined && size > packetSizeMax) {
    throw tooLargeError(file.path, size, packetSizeMax, `a message through the broker ${displayBroker(address)}`);
  }
  if (qos > qosMax) throw connection.refusedError(`it takes no QoS ${qos}; set qos of the mqtt channel to ${qosMax}`);
  if (retain && !canRetain)
    throw connection.refusedError("it retains no messages; set retain of the mqtt channel to false");
}

function refusal(
  connection: BrokerConnection,
  { topic, file }: BlobPlan,
  reasonCode: number | undefined,
): OtaError<"delivery/broker-refused"> {
  if (reasonCode === undefined) {
    return refusedForSize(
      connection,
      `a message of ${file.sizeBytes} bytes, with a reason code that MQTT has not for it`,
    );
  }
  if (reasonCode !== PACKET_TOO_LARGE) {
    return connection.refusedError(`the message on ${topic}: ${reasonOfCode(reasonCode)}`);
  }
  return refusedForSize(connection, `a message of ${file.sizeBytes} bytes is too large for it`);
}

/** What it means that the connection ended while the message was on its way. */
function lossRefusal(
  connection: BrokerConnection,
  { file }: BlobPlan,
  { reasonCode }: BlobEnd & { type: "lost" },
  losses: number,
): OtaError {
  if (reasonCode === PACKET_TOO_LARGE) {
    return refusedForSize(connection, `a message of ${file.sizeBytes} bytes is too large for it`);
  }
  if (reasonCode !== undefined) return connection.refusedError(reasonOfCode(reasonCode));
  const reason = `it closed the connection ${losses} times while a message of ${file.sizeBytes} bytes was on its way`;
  return refusedForSize(connection, reason);
}

function refusedForSize(connection: BrokerConnection, reason: string): OtaError<"delivery/broker-refused"> {
  const { code, message, details } = connection.refusedError(reason);
  const hint = `most brokers limit the size of a message (Mosquitto: max_packet_size, message_size_limit); ${CHUNKED_HINT}`;
  return new OtaError(code, message, details, { hint });
}
