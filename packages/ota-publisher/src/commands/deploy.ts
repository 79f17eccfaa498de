import { type EmbeddedBroker, startEmbeddedBroker } from "@tinybms/ota-broker";
import { type DeviceProgress, isOtaError, type OtaError } from "@tinybms/ota-core";
import { type BrokerAddress, displayBroker, parseBrokerUrl } from "../mqtt/broker-url.ts";
import { type DeliveryPlan, deliverOverMqtt } from "../mqtt/deliver.ts";
import type { OfferCounter } from "../sequence.ts";
import { deviceTable } from "../ui/device-table.ts";
import { createProgressView, type ProgressView } from "../ui/progress-view.ts";
import { type CommandConsole, printable } from "./console.ts";
import { embeddedAddressOf } from "./deploy-channel.ts";
import type { DeployCommandOptions } from "./deploy-options.ts";
import { closePlan, type DeployPlan, type PlannedDelivery, planDeploy } from "./deploy-plan.ts";
import {
  type DeliveryRecord,
  deployDocument,
  errorOfOutcome,
  interruptedError,
  plannedRecord,
} from "./deploy-result.ts";
import { ExitCode, exitCodeOf } from "./exit-code.ts";
import { reachableUrls } from "./reachable-urls.ts";

/**
 * How long a broker may be away at the start, in milliseconds. One that goes away later has the whole `--timeout` to
 * come back, but a wrong host should not take ten minutes to be told.
 */
const CONNECT_TIMEOUT_MS = 30_000;

/** Bytes per second where the channel names none: about what the flash of an ESP32 takes. */
const RATE_DEFAULT = 65_536;

/**
 * Delivers a release.
 *
 * @returns The exit code; what went wrong once deliveries ran is in the document, and told.
 * @throws OtaError for what is wrong before: arguments, manifests, images.
 */
export async function runDeploy(options: DeployCommandOptions, console: CommandConsole): Promise<number> {
  const plan = await planDeploy(options);
  try {
    for (const note of plan.notes) console.note(note);
    if (options.dryRun === true) return reportPlan(plan, console);
    const { records, error } = await deliverAll(plan, options, console);
    console.printJson(deployDocument(plan, records, false, error));
    for (const record of records) reportRecord(record, console);
    if (error === undefined) return ExitCode.done;
    console.fail(error);
    return exitCodeOf(error);
  } finally {
    closePlan(plan);
  }
}

/** Delivers one artifact after the other, until one fails. */
async function deliverAll(
  plan: DeployPlan,
  options: DeployCommandOptions,
  console: CommandConsole,
): Promise<{ readonly records: readonly DeliveryRecord[]; readonly error: OtaError | undefined }> {
  const records = plan.deliveries.map(plannedRecord);
  let embedded: EmbeddedBroker | undefined;
  try {
    const address = embeddedAddressOf(options.broker);
    if (address !== undefined) {
      embedded = await startEmbeddedBroker(address);
      for (const url of reachableUrls(embedded)) console.note(`devices can connect to ${url}`);
    }
    for (const [index, planned] of plan.deliveries.entries()) {
      const broker = embedded === undefined ? planned.channel.broker : parseBrokerUrl(embedded.url);
      if (broker === undefined) continue;
      const { record, error } = await deliverOne({ plan, planned, broker, options, console });
      records[index] = record;
      if (error !== undefined) return { records, error };
    }
    return { records, error: undefined };
  } catch (error) {
    if (!isOtaError(error)) throw error;
    return { records, error };
  } finally {
    await embedded?.close();
  }
}

interface OneDelivery {
  readonly plan: DeployPlan;
  readonly planned: PlannedDelivery;
  readonly broker: BrokerAddress;
  readonly options: DeployCommandOptions;
  readonly console: CommandConsole;
}

async function deliverOne(
  delivery: OneDelivery,
): Promise<{ readonly record: DeliveryRecord; readonly error: OtaError | undefined }> {
  const { plan, planned, broker, options, console } = delivery;
  const view = createProgressView(console);
  const seen = new Map<string, DeviceProgress>();
  const startedAt = performance.now();
  const recordOf = (fields: Partial<DeliveryRecord>): DeliveryRecord => ({
    ...plannedRecord(planned),
    outcome: "failed",
    durationMs: performance.now() - startedAt,
    devices: byName([...seen.values()]),
    ...fields,
  });
  try {
    const outcome = await deliverOverMqtt(deliveryPlanOf(delivery), {
      signal: console.world.signal,
      onProgress: (device) => {
        seen.set(device.device, device);
        view.update(device);
      },
      ...noticesOf(broker, view, console),
    });
    const error = errorOfOutcome(outcome, options, plan.target);
    const { bytesSent, chunksSent } = outcome.stats;
    console.debug(`counted: ${JSON.stringify(outcome.stats)}`);
    const how = error === undefined ? "delivered" : "failed";
    return { record: recordOf({ outcome: how, bytesSent, chunksSent, devices: byName(outcome.devices) }), error };
  } catch (thrown) {
    const error = console.world.signal.aborted ? interruptedError() : thrown;
    if (!isOtaError(error)) throw error;
    return { record: recordOf({}), error };
  } finally {
    view.stop();
  }
}

function deliveryPlanOf({ plan, planned, broker, options }: OneDelivery): DeliveryPlan {
  const { settings, topicRoot } = planned.channel;
  const { username, password, insecure = false, keepalive = 60, rate = RATE_DEFAULT, qos = 1 } = settings;
  const timeoutMs = options.timeout * 1000;
  // The manifest's credentials are for the manifest's broker.
  const isManifestBroker = options.broker === undefined;
  return {
    broker,
    connection: {
      clientId: settings.client_id ?? `ota-${planned.artifact}`,
      keepaliveSeconds: keepalive,
      ...(isManifestBroker ? { username, password } : {}),
      insecure,
      connectTimeoutMs: Math.min(CONNECT_TIMEOUT_MS, timeoutMs),
    },
    topicRoot,
    release: {
      product: plan.product,
      hardware: planned.hardware,
      version: plan.version,
      createdAt: planned.createdAt,
    },
    image: planned.image,
    target: plan.target,
    expected: expectedOf(plan, options),
    wait: options.wait,
    timeoutMs,
    rate,
    qos: qos === 0 ? 0 : 1,
    sequenceFile: plan.sequenceFile,
  };
}

function expectedOf({ target }: DeployPlan, { expect }: DeployCommandOptions): DeliveryPlan["expected"] {
  if (target !== "all") return { devices: target.devices };
  return expect === undefined ? {} : { count: expect };
}

function noticesOf(broker: BrokerAddress, view: ProgressView, console: CommandConsole) {
  let hasRetried = false;
  return {
    onRetry: (fault: OtaError): void => {
      if (!hasRetried) view.note(`${printable(fault.message)}; trying again`);
      hasRetried = true;
    },
    onOffer: ({ id, counter: [epoch, sequence] }: { id: string; counter: OfferCounter }): void => {
      view.note(console.verbose ? `offer ${id}, epoch ${epoch}, sequence ${sequence}` : "offered; waiting for devices");
    },
    onConnection: (connected: boolean): void =>
      view.note(
        `the connection to ${displayBroker(broker)} ${connected ? "is there again" : "was lost; trying again"}`,
      ),
  };
}

function reportPlan(plan: DeployPlan, console: CommandConsole): number {
  console.printJson(deployDocument(plan, plan.deliveries.map(plannedRecord), true));
  const who = plan.target === "all" ? "every device of the product" : plan.target.devices.join(", ");
  for (const { artifact, image, channel } of plan.deliveries) {
    const broker = channel.broker === undefined ? "the embedded broker" : displayBroker(channel.broker);
    const what = `${printable(artifact)} ${printable(plan.version)} (${image.sizeBytes} bytes)`;
    console.print(`would deliver ${what} to ${who} through ${broker}, topic ${channel.topicRoot}`);
  }
  return ExitCode.done;
}

function reportRecord(
  { planned, outcome, durationMs, chunksSent, devices }: DeliveryRecord,
  console: CommandConsole,
): void {
  if (console.quiet && outcome === "delivered") return;
  if (devices.length > 0) {
    for (const line of deviceTable(devices, (style, text) => console.style(style, text))) console.print(line);
  }
  if (outcome !== "delivered") return;
  const took = `${(durationMs / 1000).toFixed(1)} s`;
  console.print(`${printable(planned.artifact)}: delivered in ${took}, ${chunksSent} chunks sent`);
}

/** In the order in which people count: bench-2 before bench-10. */
function byName(devices: readonly DeviceProgress[]): readonly DeviceProgress[] {
  return devices.toSorted((left, right) => left.device.localeCompare(right.device, "en", { numeric: true }));
}
