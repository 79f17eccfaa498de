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
  /** Ends the delivery; the broker drops a message that is not whole then. */
  readonly signal: AbortSignal;
  /** The whole message has left. */
  readonly onSent: () => void;
  /** The broker can't be reached yet; another attempt follows. */
  readonly onRetry: (fault: OtaError) => void;
  /** The connection was lost, or is there again. */
  readonly onConnection: (connected: boolean) => void;
}

/** What became of a message that a broker took. */
export interface BlobOutcome {
  /** The broker said that no client was subscribed to the topic. One that says nothing may have had none either. */
  readonly reachedNobody: boolean;
}

/** So often a broker may end the connection with the message under way, until that counts as its answer. */
const LOSSES_MAX = 3;

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

/** Checks what the broker said of itself when it took the connection. */
function refuseByLimits(connection: BrokerConnection, { topic, qos, retain, file }: BlobPlan): void {
  const { limits, address } = connection;
  if (limits === undefined) return;
  const { version, packetSizeMax, qosMax, canRetain }: AnnouncedLimits = limits;
  const size = packetSize({ topic, qos, retain, payloadSizeBytes: file.sizeBytes, version });
  if (packetSizeMax !== undefined && size > packetSizeMax) {
    throw tooLargeError(file.path, size, packetSizeMax, `the broker ${displayBroker(address)}`);
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
