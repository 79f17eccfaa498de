import { basename } from "node:path";
import { type CommandOutput, printable } from "@tinybms/cli-kit/output";
import { type DeviceProgress, isOtaError } from "@tinybms/ota-core";
import { parseAppImage } from "@tinybms/ota-core/esp";
import { createByteProgress } from "../console/byte-progress.ts";
import { createProgressView } from "../console/progress-view.ts";
import { readWhole } from "../image-file.ts";
import { type BrokerAddress, displayBroker } from "../mqtt/broker-url.ts";
import type { DeliveryPlan, DeliveryWatch } from "../mqtt/deliver.ts";
import type { OfferCounter } from "../sequence.ts";
import type { MqttTarget } from "./deploy-channel.ts";
import type { DeployCommandOptions } from "./deploy-options.ts";
import type {
  BlobDelivery,
  ChunkedDelivery,
  DeployPlan,
  HttpsDelivery,
  PlannedDelivery,
  SerialDelivery,
} from "./deploy-plan.ts";
import { type DeliveryRecord, errorOfOutcome, interruptedError, plannedRecord } from "./deploy-result.ts";

/**
 * How long a broker may be away at the start, in milliseconds. One that goes away later has the whole `--timeout` to
 * come back, but a wrong host should not take ten minutes to be told.
 */
const CONNECT_TIMEOUT_MS = 30_000;

/** How a board at a cable is flashed: `flash` has options for it. */
const LOADER_BAUD_RATE = 921_600;
const WATCH_SECONDS = 10;

/** Finds the broker of a channel; begins one in this process where that is asked for. */
export type BrokerOf = (channel: MqttTarget) => Promise<BrokerAddress>;

/** One delivery, and what it needs of the command. */
export interface DeliveryJob<Planned extends PlannedDelivery = PlannedDelivery> {
  readonly plan: DeployPlan;
  readonly planned: Planned;
  readonly options: DeployCommandOptions;
  readonly output: CommandOutput;
  readonly brokerOf: BrokerOf;
}

/** What a delivery came to, as far as its way tells. */
type Result = Partial<Omit<DeliveryRecord, "planned" | "outcome" | "durationMs">> & {
  /** The broker has the offer, and no device was waited for. */
  readonly isOnlyOffered?: boolean;
};

/** Something that shows how far a delivery is. */
interface View {
  note(text: string): void;
  stop(): void;
}

/**
 * Carries one delivery out.
 *
 * @returns How it went, also where it failed. What is not an `OtaError` is thrown.
 */
export async function deliver(job: DeliveryJob): Promise<DeliveryRecord> {
  const startedAt = performance.now();
  const seen = new Map<string, DeviceProgress>();
  const { planned, output } = job;
  const recordOf = ({ isOnlyOffered = false, ...result }: Result): DeliveryRecord => ({
    ...plannedRecord(planned),
    ...result,
    devices: byName(result.devices ?? [...seen.values()]),
    outcome: result.error !== undefined ? "failed" : isOnlyOffered ? "offered" : "delivered",
    durationMs: performance.now() - startedAt,
  });
  try {
    return recordOf(await deliverPlanned(job, seen));
  } catch (thrown) {
    const error = output.world.signal.aborted ? interruptedError() : output.clean(thrown);
    if (!isOtaError(error)) throw error;
    return recordOf({ error });
  }
}

function deliverPlanned({ planned, ...job }: DeliveryJob, seen: Map<string, DeviceProgress>): Promise<Result> {
  if (planned.transport === "https") return sendByHttps({ ...job, planned });
  if (planned.transport === "serial") return flashByCable({ ...job, planned });
  if (planned.mode === "blob") return sendBlob({ ...job, planned });
  return sendChunks({ ...job, planned }, seen);
}

/** What MQTT needs is loaded when it is needed: a dry run needs none of it. */
async function sendChunks(job: DeliveryJob<ChunkedDelivery>, seen: Map<string, DeviceProgress>): Promise<Result> {
  const { plan, planned, options, output, brokerOf } = job;
  const { deliverOverMqtt } = await import("../mqtt/deliver.ts");
  const broker = await brokerOf(planned.channel);
  const view = createProgressView(output);
  try {
    const outcome = await deliverOverMqtt(deliveryPlanOf(job, broker), {
      signal: output.world.signal,
      onProgress: (device) => {
        seen.set(device.device, device);
        view.update(device);
      },
      onForeignOffer: ({ topic, counter: [epoch, sequence] }): void =>
        view.note(
          `the broker keeps an offer on ${topic} (epoch ${epoch}, sequence ${sequence}) that no trusted key has signed: find out who publishes there`,
        ),
      onOffer: ({ id, counter: [epoch, sequence] }: { id: string; counter: OfferCounter }): void =>
        view.note(output.verbose ? `offer ${id}, epoch ${epoch}, sequence ${sequence}` : offeredText(options.wait)),
      ...connectionNotices(broker, view),
    });
    const { bytesSent, chunksSent } = outcome.stats;
    output.debug(`counted: ${JSON.stringify(outcome.stats)}`);
    const error = errorOfOutcome(outcome, options, plan.target);
    return { bytesSent, chunksSent, devices: outcome.devices, error, isOnlyOffered: outcome.reason === "offered" };
  } finally {
    view.stop();
  }
}

async function sendBlob({ planned, options, output, brokerOf }: DeliveryJob<BlobDelivery>): Promise<Result> {
  const { deliverBlob } = await import("../mqtt/deliver-blob.ts");
  const { artifact, channel, file } = planned;
  const broker = await brokerOf(channel);
  const view = createByteProgress(output, printable(artifact), file.sizeBytes);
  let sent = 0;
  const watch = {
    signal: output.world.signal,
    onProgress: (bytesSent: number): void => {
      sent = bytesSent;
      view.update(bytesSent);
    },
    ...connectionNotices(broker, view),
  };
  try {
    const { topic, qos, retain } = channel;
    const timeoutMs = options.timeout * 1000;
    const connection = connectionOf(channel, timeoutMs);
    const outcome = await deliverBlob({ broker, connection, topic, qos, retain, file, timeoutMs }, watch);
    const { bytesSent, reachedNobody } = outcome;
    const kept = retain ? "; it keeps the message for devices that come later" : "";
    const notes = reachedNobody
      ? [`the broker has the message, and says that nobody is subscribed to ${topic}${kept}`]
      : [`the broker has the message; whether a device took it, none can tell${kept}`];
    return { bytesSent, notes };
  } catch (error) {
    if (!isOtaError(error) || output.world.signal.aborted) throw error;
    return { bytesSent: sent, error };
  } finally {
    view.stop();
  }
}

async function sendByHttps({ plan, planned, options, output }: DeliveryJob<HttpsDelivery>): Promise<Result> {
  const { deliverOverHttps } = await import("../https/deliver.ts");
  const { artifact, channel, file, filename } = planned;
  const view = createByteProgress(output, printable(artifact), file.sizeBytes);
  const { path, sizeBytes, sha256 } = file;
  const image = { path, sizeBytes, sha256, filename: basename(filename), version: plan.version };
  try {
    const { bytesSent, notes, version } = await deliverOverHttps(
      { target: channel, image, timeoutMs: options.timeout * 1000 },
      {
        onProgress: (bytes) => view.update(bytes),
        onRetry: (fault, delayMs) => {
          const wait = `${(delayMs / 1000).toFixed(1)} s`;
          view.note(`${printable(fault.message)}; trying again in ${wait}`);
        },
      },
      output.world.signal,
    );
    const read =
      version === undefined ? [] : [`${channel.url.hostname} read version ${printable(version)} in the image`];
    return { bytesSent, notes: [...notes.map((note) => output.redact(note)), ...read] };
  } finally {
    view.stop();
  }
}

async function flashByCable({ planned, output }: DeliveryJob<SerialDelivery>): Promise<Result> {
  const { loadSerial } = await import("../serial/load-serial.ts");
  const { boardsError, flashBoards, progressOf } = await import("../serial/flash-boards.ts");
  const bytes = readWhole(planned.file);
  const app = { name: planned.file.path, bytes, image: parseAppImage(bytes) };
  const job = {
    content: { type: "app", app, options: { slot: "next", select: true, force: false } },
    reach: { baudRate: LOADER_BAUD_RATE },
    watchSeconds: WATCH_SECONDS,
    dryRun: false,
    signal: output.world.signal,
  } as const;
  const records = await flashBoards(await loadSerial(), planned.ports, job, output);
  const bytesSent = records.reduce((sum, record) => sum + record.bytesSent, 0);
  return { bytesSent, devices: records.map(progressOf), error: boardsError(records) };
}

function offeredText(wait: DeployCommandOptions["wait"]): string {
  return wait === "none" ? "offered" : "offered; waiting for devices";
}

function deliveryPlanOf({ plan, planned, options }: DeliveryJob<ChunkedDelivery>, broker: BrokerAddress): DeliveryPlan {
  const { channel, file } = planned;
  const timeoutMs = options.timeout * 1000;
  return {
    broker,
    connection: connectionOf(channel, timeoutMs),
    topicRoot: channel.topic,
    release: planned.release,
    image: file,
    signing: plan.signing,
    target: plan.target,
    expected: expectedOf(plan, options),
    wait: options.wait,
    timeoutMs,
    rate: channel.rate,
    qos: channel.qos === 0 ? 0 : 1,
    sequenceFile: plan.sequenceFile,
  };
}

function connectionOf({ connection }: MqttTarget, timeoutMs: number): DeliveryPlan["connection"] {
  return { ...connection, connectTimeoutMs: Math.min(CONNECT_TIMEOUT_MS, timeoutMs) };
}

function expectedOf({ target }: DeployPlan, { expect }: DeployCommandOptions): DeliveryPlan["expected"] {
  if (target !== "all") return { devices: target.devices };
  return expect === undefined ? {} : { count: expect };
}

function connectionNotices(
  broker: BrokerAddress,
  view: View,
): Required<Pick<DeliveryWatch, "onRetry" | "onConnection" | "onSkipped">> {
  let hasRetried = false;
  let losses = 0;
  return {
    onRetry: (fault) => {
      if (!hasRetried) view.note(`${printable(fault.message)}; trying again`);
      hasRetried = true;
    },
    onConnection: (connected) => {
      if (!connected) losses++;
      // One that comes and goes is told of twice, however often it does.
      if (losses > 2 || (losses === 2 && connected)) return;
      const what = connected ? "is there again" : losses === 1 ? "was lost; trying again" : "is lost again and again";
      view.note(`the connection to ${displayBroker(broker)} ${what}`);
    },
    onSkipped: ({ topic, sizeBytes, sizeMax }) =>
      view.note(`messages on ${printable(topic)} are skipped: ${sizeBytes} bytes, and it may have ${sizeMax}`),
  };
}

/** In the order in which people count: bench-2 before bench-10. */
function byName(devices: readonly DeviceProgress[]): readonly DeviceProgress[] {
  return devices.toSorted((left, right) => left.device.localeCompare(right.device, "en", { numeric: true }));
}
