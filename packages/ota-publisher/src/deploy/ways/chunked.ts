import { randomBytes } from "node:crypto";
import { type DeliveryLimit, type DeviceProgress, OtaError, toHex } from "@tinybms/ota-core";
import { type Envelope, productOf } from "@tinybms/ota-core/signing";
import type { ImageFile } from "../../image-file.ts";
import type { DeliveryPlan } from "../../mqtt/deliver-over-mqtt.ts";
import type { MqttTarget } from "../../mqtt/mqtt-channel.ts";
import { releasedImageOf, unsignedRelease } from "../../offer-payload.ts";
import type { PreparedRollout } from "../../rollout/rollout-options.ts";
import { planText } from "../../rollout/rollout-text.ts";
import { nextCounter, readCounter } from "../../sequence.ts";
import { currentKeys, type OfferSigning } from "../../signing/offer-signing.ts";
import { errorOfOutcome } from "./chunked-outcome.ts";
import { devicesThatRun, type FromVersion, readFromVersion } from "./from-version.ts";
import { installSettings, installTermsOf } from "./install-terms.ts";
import {
  brokerPlace,
  connectionNotices,
  connectionOf,
  loginSettings,
  readMqttChannel,
  tellHashLists,
  throughBroker,
} from "./mqtt-way.ts";
import { releaseToOffer } from "./release-to-offer.ts";
import { deliverStaged, stagesOf } from "./staged.ts";
import type { DeliveryJob, DeliveryResult, DeployContext, Description, Setting, Way } from "./way.ts";

const LIMITS: readonly DeliveryLimit[] = ["rate", "broker", "devices"];

/** Image and plan of a chunked delivery. */
interface ChunkedTarget {
  readonly channel: MqttTarget;
  readonly image: ImageFile;
  /** The delivery, except for its broker, which may not run yet. */
  readonly plan: Omit<DeliveryPlan, "broker">;
  /** How the delivery goes in stages; `undefined` if it does not. */
  readonly rollout: PreparedRollout | undefined;
  /** Version that the devices must run; `undefined` if that does not matter. */
  readonly from: FromVersion | undefined;
  readonly warnings: readonly string[];
}

/** Delivery over MQTT in chunks that devices request and acknowledge. */
export const chunked: Way<ChunkedTarget> = {
  name: "chunked",
  transport: "mqtt",
  canAnswer: true,
  form: "a delivery in chunks",
  reaches: "goes to devices that answer",
  progress: "devices",

  async prepare(artifact, context) {
    const { options, target, sequenceFile } = context;
    const { channel, warnings } = await readMqttChannel(artifact, "chunked", context);
    const signing = await context.signing();
    const isJoining = options.join === true;
    if (isJoining) assertHasOffer(channel);
    // Detect a counter record that allows no further offer before anything is sent.
    else nextCounter(await readCounter(sequenceFile, channel.topic), [], currentKeys(signing)?.document.epoch);
    const from = await readFromVersion(context.root, options.fromVersion);
    if (from !== undefined) assertBrokerHasReports(channel);
    const image = context.open(artifact).image();
    const rollout = stagesOf(image, channel.topic, context);
    const timeoutMs = options.timeout * 1000;
    const plan = {
      connection: { ...connectionOf(channel, timeoutMs), ...(isJoining && { clientId: joinedClientId(channel) }) },
      topicRoot: channel.topic,
      release: releaseOf(image, context, signing),
      join: isJoining ? options.version : undefined,
      expected: expectedOf(context),
      wait: options.wait,
      rate: options.rate ?? channel.rate,
      install: rollout === undefined ? installTermsOf(options) : rollout.plan.install,
      qos: channel.qos === 0 ? 0 : 1,
      ...{ image, signing, target, timeoutMs, sequenceFile },
    } as const;
    return { channel, image, plan, rollout, from, warnings };
  },

  describe({ channel, image, plan, rollout, from, warnings }): Description {
    const { target, qos, rate, wait, release, signing, timeoutMs, install, join } = plan;
    const named = target === "all" ? "every device of the product" : target.devices.join(", ");
    const whom = from === undefined ? named : `${named}, if it runs ${from.version},`;
    const pace = rate === 0 ? "no rate limit" : `${rate} bytes/s`;
    const settings: Setting[] = [
      ["chunks", `QoS ${qos}, ${pace}, until ${wait}`],
      ...installSettings(install),
      ...loginSettings(channel),
      join === undefined ? ["signed", signedText(release, signing)] : ["joins", "the offer that stands"],
      ["timeout", `${timeoutMs / 1000} s`],
      ...(rollout === undefined ? [] : [["rollout", planText(rollout.plan)] as const]),
    ];
    return {
      ...{ mode: "chunked", label: "mqtt", file: image, settings, warnings },
      destination: `to ${whom} ${throughBroker(channel)}`,
      place: { target, ...brokerPlace(channel) },
    };
  },

  deliver,
};

/** Delivers in chunks. Loads MQTT here, because a dry run does not need it. */
async function deliver(prepared: ChunkedTarget, job: DeliveryJob): Promise<DeliveryResult> {
  const { channel, plan, rollout } = await narrowed(prepared, job);
  const { events, signal } = job;
  if (rollout !== undefined) return deliverStaged(channel, plan, rollout, job);
  const { deliverOverMqtt } = await import("../../mqtt/deliver-over-mqtt.ts");
  const broker = channel.broker ?? (await job.embeddedBroker());
  const offered = plan.join !== undefined ? "joined the offer" : "offered";
  const text = plan.wait === "none" ? offered : `${offered}; waiting for devices`;
  const outcome = await deliverOverMqtt(
    { ...plan, broker },
    {
      signal,
      onProgress: (device: DeviceProgress) => events.onDevice(device),
      onForeignOffer: ({ topic, counter: [epoch, sequence] }) =>
        events.onNote(
          `the broker keeps an offer on ${topic} (epoch ${epoch}, sequence ${sequence}) that no trusted key signed: find out who publishes there`,
        ),
      onHashLists: (result) => tellHashLists(result, events),
      onOffer: ({ id, counter: [epoch, sequence] }) =>
        events.onNote(text, `offer ${id}, epoch ${epoch}, sequence ${sequence}`),
      ...connectionNotices(broker, events),
    },
  );
  const { bytesSent, chunksSent, limitedMs } = outcome.stats;
  events.onDetail(`counted: ${JSON.stringify(outcome.stats)}`);
  const { devices, reason } = outcome;
  const [error, isOnlyOffered] = [errorOfOutcome(outcome, plan), reason === "offered"];
  return { bytesSent, chunksSent, devices, error, isOnlyOffered, limitedBy: longestLimit(limitedMs) };
}

/** Leaves the devices that run another version out. Asks the broker what each device runs. */
async function narrowed(prepared: ChunkedTarget, { signal }: DeliveryJob): Promise<ChunkedTarget> {
  const { channel, plan, rollout, from } = prepared;
  const { broker } = channel;
  if (from === undefined || broker === undefined) return prepared;
  const { connectTimeoutMs: timeoutMs } = plan.connection;
  const target = await devicesThatRun(from, plan.target, channel, { broker, timeoutMs, signal });
  return {
    ...prepared,
    plan: { ...plan, target, expected: target },
    rollout: rollout && { ...rollout, plan: { ...rollout.plan, devices: target.devices } },
  };
}

function assertBrokerHasReports({ broker }: MqttTarget): void {
  if (broker !== undefined) return;
  const message = "--from-version asks the broker what devices run; one that has just started has heard of no device";
  throw new OtaError("arguments/invalid", message, { option: "--from-version" });
}

function releaseOf(
  image: ImageFile,
  { root, options: { version, join = false }, createdAt, signedRelease }: DeployContext,
  signing: OfferSigning,
): Envelope {
  const product = productOf(root.manifest, image.chipId);
  const parts = { ...product, version, createdAt, image: releasedImageOf(image) };
  return join ? unsignedRelease(parts) : releaseToOffer(parts, signedRelease, signing);
}

/** Returns a client identifier of its own: with the channel's, publishers would end each other's connection. */
function joinedClientId({ connection }: MqttTarget): string {
  return `${connection.clientId}-${toHex(randomBytes(4))}`;
}

/** Checks that a publisher can join: a broker in this process has no offer yet. */
function assertHasOffer({ broker }: MqttTarget): void {
  if (broker !== undefined) return;
  const message = "--broker embedded: a broker that has just started has no offer to join";
  throw new OtaError("arguments/invalid", message, { option: "--broker" });
}

function expectedOf({ target, options: { expect } }: DeployContext): DeliveryPlan["expected"] {
  if (target !== "all") return { devices: target.devices };
  return expect === undefined ? {} : { count: expect };
}

/** Returns the limit that held longest; `undefined` if none did. */
function longestLimit(limitedMs: Readonly<Record<DeliveryLimit, number>>): DeliveryLimit | undefined {
  const longest = Math.max(...Object.values(limitedMs));
  return longest === 0 ? undefined : LIMITS.find((limit) => limitedMs[limit] === longest);
}

/** Describes who signed the release and who will sign the offer. */
function signedText({ signatures }: Envelope, signing: OfferSigning): string {
  const by = signatures.map(({ keyid }) => keyid).join(", ");
  const epoch = currentKeys(signing)?.document.epoch;
  const release = by === "" ? "the release by nobody" : `the release by ${by}`;
  const { length } = signing.signers;
  const offer = `the offer by ${length === 0 ? "nobody" : `${length} ${length === 1 ? "signer" : "signers"}`}`;
  return `${release}; ${offer}; ${epoch === undefined ? "not checked, there is no key set" : `checked against key set ${epoch}`}`;
}
