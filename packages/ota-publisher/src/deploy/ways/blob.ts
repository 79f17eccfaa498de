import { isOtaError, OtaError } from "@tinybms/ota-core";
import type { ArtifactFile } from "../../image-file.ts";
import { assertBlobFits } from "../../mqtt/blob-size.ts";
import type { BlobPlan } from "../../mqtt/deliver-blob.ts";
import { embeddedAddressOf, type MqttTarget } from "../../mqtt/mqtt-channel.ts";
import {
  brokerPlace,
  connectionNotices,
  connectionOf,
  loginSettings,
  readMqttChannel,
  throughBroker,
} from "./mqtt-way.ts";
import type { DeliveryJob, DeliveryResult, Way } from "./way.ts";

/** File, topic and options of a blob delivery. */
interface BlobTarget {
  readonly channel: MqttTarget;
  readonly file: ArtifactFile;
  readonly plan: Omit<BlobPlan, "broker">;
  readonly warnings: readonly string[];
}

/** Size in bytes above which many brokers refuse a message by default. */
const SIZE_WARNING = 1024 * 1024;

/** Delivery over MQTT as one message that no device answers. */
export const blob: Way<BlobTarget> = {
  name: "blob",
  transport: "mqtt",
  canAnswer: false,
  form: "a message in blob mode",
  reaches: "reaches every device on the topic",
  progress: "bytes",

  async prepare(artifact, context) {
    assertNotEmbedded(context.options.broker);
    const { channel, warnings: ofChannel } = await readMqttChannel(artifact, "blob", context);
    const file = context.open(artifact);
    const warnings = [...ofChannel, ...file.warnings()];
    const { topic, qos, retain } = channel;
    assertBlobFits(file);
    warnings.push("blob mode: the message goes to every subscriber, and no device can answer");
    if (file.sizeBytes > SIZE_WARNING) {
      warnings.push(
        `${file.path} needs a message above 1 MiB, which many brokers refuse; chunked delivery has no such limit`,
      );
    }
    const timeoutMs = context.options.timeout * 1000;
    const plan = { connection: connectionOf(channel, timeoutMs), topic, qos, retain, file, timeoutMs };
    return { channel, file, plan, warnings };
  },

  describe({ channel, file, warnings, plan: { qos, retain, timeoutMs } }) {
    return {
      ...{ mode: "blob", label: "mqtt (blob)", file, warnings },
      destination: `as one message ${throughBroker(channel)}`,
      settings: [
        ["message", `QoS ${qos}, ${retain ? "retained" : "not retained"}`],
        ...loginSettings(channel),
        ["timeout", `${timeoutMs / 1000} s`],
      ],
      place: { target: "all", ...brokerPlace(channel), retain },
    };
  },

  deliver,
};

async function deliver({ channel, plan }: BlobTarget, job: DeliveryJob): Promise<DeliveryResult> {
  const { events, signal } = job;
  const { deliverBlob } = await import("../../mqtt/deliver-blob.ts");
  const broker = channel.broker ?? (await job.embeddedBroker());
  let bytesSent = 0;
  const onSent = (): void => {
    bytesSent = plan.file.sizeBytes;
    events.onBytes(bytesSent);
  };
  try {
    const watch = { signal, onSent, ...connectionNotices(broker, events) };
    const { reachedNobody } = await deliverBlob({ ...plan, broker }, watch);
    const kept = plan.retain ? "; it retains the message for devices that connect later" : "";
    const notes = reachedNobody
      ? [`the broker has the message, but nobody is subscribed to ${plan.topic}${kept}`]
      : [`the broker has the message; devices can't report whether they received it${kept}`];
    return { bytesSent, notes };
  } catch (error) {
    if (!isOtaError(error) || signal.aborted) throw error;
    return { bytesSent, error };
  }
}

function assertNotEmbedded(broker: string | undefined): void {
  if (embeddedAddressOf(broker) === undefined) return;
  const message =
    "--broker embedded: blob mode sends one message, before any device can connect to a broker that has just started";
  const hint = "start a separate broker such as mosquitto, or deliver in chunks";
  throw new OtaError("arguments/invalid", message, { option: "--broker" }, { hint });
}
