import { OtaError } from "@tinybms/ota-core";
import { type ArtifactFile, readWhole } from "../image-file.ts";
import type { AnnouncedLimits } from "./announced-limits.ts";
import { assertBlobFits, CHUNKED_HINT, tooLargeError } from "./blob-size.ts";
import { type BrokerAddress, displayBroker } from "./broker-url.ts";
import type { ConnectionOptions } from "./connect.ts";
import { type BrokerConnection, connectBroker } from "./connection.ts";
import { reasonOfCode } from "./connection-fault.ts";
import type { BlobEnd } from "./publish-blob.ts";
import { packetSize } from "./publish-packet.ts";

/** Plan of a blob delivery. */
export interface BlobPlan {
  readonly broker: BrokerAddress;
  readonly connection: Omit<ConnectionOptions, "signal" | "onRetry" | "forBlob">;
  /** Topic of the channel and of the message. */
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly file: ArtifactFile;
  readonly timeoutMs: number;
}

/** Receives the events of a blob delivery. */
export interface BlobDeliveryWatch {
  /** Stops the delivery. The broker then drops an incomplete message. */
  readonly signal: AbortSignal;
  /** Called when the whole message was sent. */
  readonly onSent: () => void;
  /** Called after a failed attempt to connect. */
  readonly onRetry: (fault: OtaError) => void;
  /** Called when the connection is lost or restored. */
  readonly onConnection: (connected: boolean) => void;
}

/** Result of a message that a broker accepted. */
export interface BlobOutcome {
  /** `true` if the broker reported that no client was subscribed. Brokers without that report give `false`. */
  readonly reachedNobody: boolean;
}

/** How often a broker may close the connection during the message before that counts as a refusal. */
const LOSSES_MAX = 3;

const PACKET_TOO_LARGE = 149;

/**
 * Delivers a file as one message, like the original scripts. No device answers.
 *
 * @returns The result, once the broker has the message: after its acknowledgement or, at QoS 0, after its answer to a
 *   ping that follows the message.
 * @throws {@link OtaError} `delivery/blob-too-large`, `delivery/broker-unreachable`, `delivery/broker-refused`,
 *   `delivery/connection-lost`, `delivery/timeout`, `image/truncated` and `delivery/image-mismatch` if the file changed
 *   meanwhile; the signal's reason.
 */
export async function deliverBlob(plan: BlobPlan, watch: BlobDeliveryWatch): Promise<BlobOutcome> {
  assertBlobFits(plan.file);
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
    const message = `time is up after ${seconds} s: the broker ${displayBroker(plan.broker)} did not acknowledge the message`;
    const hint = "a slow link may need a longer --timeout; chunked delivery continues after an interruption";
    throw new OtaError("delivery/timeout", message, { seconds, devices: [] }, { hint });
  }
}

async function sendUntilTaken(
  connection: BrokerConnection,
  plan: BlobPlan,
  watch: BlobDeliveryWatch,
): Promise<BlobOutcome> {
  for (let losses = 1; ; losses++) {
    assertWithinLimits(connection, plan);
    const { signal, onSent } = watch;
    const { topic, qos, retain, file } = plan;
    signal.throwIfAborted();
    const end = await connection.publishBlob({ topic, qos, retain, payload: readWhole(file) }, signal);
    signal.throwIfAborted();
    if (end.type !== "lost") onSent();
    if (end.type === "taken") return { reachedNobody: end.reachedNobody };
    if (end.type === "refused") throw refusal(connection, plan, end.reasonCode);
    if (losses === LOSSES_MAX || end.reasonCode !== undefined) throw lossRefusal(connection, plan, end, losses);
    watch.onConnection(false);
    await connection.connectedAgain(signal);
    watch.onConnection(true);
  }
}

/** Checks a message against the limits in the broker's CONNACK. */
function assertWithinLimits(connection: BrokerConnection, { topic, qos, retain, file }: BlobPlan): void {
  const { limits, address } = connection;
  if (limits === undefined) return;
  const { version, packetSizeMax, qosMax, canRetain }: AnnouncedLimits = limits;
  const size = packetSize({ topic, qos, retain, payloadSizeBytes: file.sizeBytes, version });
  if (packetSizeMax !== undefined && size > packetSizeMax) {
    throw tooLargeError(file.path, size, packetSizeMax, `the broker ${displayBroker(address)}`);
  }
  if (qos > qosMax)
    throw connection.refusedError(`it does not support QoS ${qos}; set qos of the mqtt channel to ${qosMax}`);
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
      `a message of ${file.sizeBytes} bytes, with a reason code that MQTT does not define for it`,
    );
  }
  if (reasonCode !== PACKET_TOO_LARGE) {
    return connection.refusedError(`the message on ${topic}: ${reasonOfCode(reasonCode)}`);
  }
  return refusedForSize(connection, `a message of ${file.sizeBytes} bytes is too large for it`);
}

/** Creates the error for a connection that ended during the message. */
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
  const reason = `it closed the connection ${losses} times during a message of ${file.sizeBytes} bytes`;
  return refusedForSize(connection, reason);
}

function refusedForSize(connection: BrokerConnection, reason: string): OtaError<"delivery/broker-refused"> {
  const { code, message, details } = connection.refusedError(reason);
  const hint = `most brokers limit the size of a message (Mosquitto: max_packet_size, message_size_limit); ${CHUNKED_HINT}`;
  return new OtaError(code, message, details, { hint });
}
