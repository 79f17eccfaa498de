import { type CommandOutput, ExitCode, fitLine, type OutputOptions } from "@tinybms/cli-kit/output";
import { type DeviceState, OtaError } from "@tinybms/ota-core";
import { type LoadedRoot, type LoadedVersion, loadRootManifest, loadVersion } from "@tinybms/ota-core/node";
import { brokerPlace, readMqttChannel } from "../deploy/ways/mqtt-way.ts";
import { type FleetFilter, type FleetRow, fleetRows } from "../fleet/fleet-row.ts";
import { fleetCsv, fleetLine, fleetSummary, fleetTable } from "../fleet/fleet-text.ts";
import { type OpenFleet, openFleet } from "../fleet/open-fleet.ts";
import type { BrokerAddress } from "../mqtt/broker-url.ts";
import type { MqttTarget } from "../mqtt/mqtt-channel.ts";
import { releasesByImage } from "../release-index.ts";

/** Options of `tinybms-ota status`, as commander parses them. */
export interface StatusCommandOptions extends OutputOptions {
  readonly manifest: string;
  readonly broker?: string;
  readonly device?: readonly string[];
  readonly state?: readonly string[];
  readonly release?: readonly string[];
  readonly watch?: boolean;
  readonly csv?: boolean;
  readonly allowInsecure?: boolean;
  /** Seconds. */
  readonly timeout: number;
}

/** Document of `status --json`. */
interface StatusDocument {
  readonly fleets: readonly FleetDocument[];
}

interface FleetDocument {
  readonly broker: string;
  readonly topic: string;
  readonly devices: readonly FleetRow[];
  /** Number of messages that were not state reports. */
  readonly malformed: number;
  /** Number of devices that are left out because there are more than 20 000. */
  readonly forgotten: number;
}

/** Device states in the order of a delivery. */
const STATES: Readonly<Record<DeviceState, true>> = {
  idle: true,
  checking: true,
  waiting: true,
  downloading: true,
  verifying: true,
  "ready-to-reboot": true,
  "pending-verify": true,
  confirmed: true,
  rejected: true,
  "rolled-back": true,
  failed: true,
};

interface FleetPlace {
  readonly channel: MqttTarget;
  readonly broker: BrokerAddress;
}

/**
 * Shows the state of a fleet from the reports that its brokers retain.
 *
 * @returns The exit code, 0.
 * @throws {@link OtaError} `manifest/…`, `arguments/…`, `delivery/broker-unreachable`, `delivery/broker-refused`. The
 *   error contains no credential.
 */
export async function runStatus(options: StatusCommandOptions, output: CommandOutput): Promise<number> {
  try {
    return await status(options, output);
  } catch (error) {
    throw output.clean(error);
  }
}

async function status(options: StatusCommandOptions, output: CommandOutput): Promise<number> {
  const { watch = false, csv = false } = options;
  if (watch && (csv || output.json)) {
    const message = "--watch prints text; it can't be combined with --csv or --json";
    throw new OtaError("arguments/invalid", message, { option: "--watch" });
  }
  const wrong = options.state?.find((state) => !Object.hasOwn(STATES, state));
  if (wrong !== undefined) {
    const message = `--state ${wrong} is not a state; it must be one of ${Object.keys(STATES).join(", ")}`;
    throw new OtaError("arguments/invalid", message, { option: "--state" });
  }
  const root = await loadRootManifest(options.manifest);
  const versions = await Promise.all(root.manifest.versions.map(({ id }) => loadVersion(root, id)));
  const places = await placesOf(root, versions, options, output);
  const releases = releasesByImage(versions);
  const rowsOf = ({ fleet }: OpenFleet, devices = options.device ?? []): readonly FleetRow[] =>
    fleetRows(fleet, releases, { ...filterOf(options), devices });
  const fleets: OpenFleet[] = [];
  const { signal } = output.world;
  try {
    for (const { channel, broker } of places) {
      const onChange = (device: string): void => {
        if (!watch || !isWanted(device, options)) return;
        for (const row of rowsOf(fleet, [device])) output.print(fitLine(fleetLine(row), output.columns));
      };
      const fleet = await openFleet(channel, { broker, timeoutMs: options.timeout * 1000, signal, onChange });
      fleets.push(fleet);
      await fleet.settle();
    }
    const documents = places.map(({ channel }, index) => documentOf(channel, fleets[index], rowsOf));
    print(documents, { csv }, output);
    if (watch) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  } finally {
    await Promise.all(fleets.map((fleet) => fleet.close()));
  }
  return ExitCode.done;
}

function documentOf(
  channel: MqttTarget,
  open: OpenFleet | undefined,
  rowsOf: (fleet: OpenFleet) => readonly FleetRow[],
): FleetDocument {
  const { broker, topic } = brokerPlace(channel);
  const { malformed = 0, forgotten = 0 } = open?.fleet ?? {};
  return { broker, topic, devices: open === undefined ? [] : rowsOf(open), malformed, forgotten };
}

function print(fleets: readonly FleetDocument[], { csv }: { readonly csv: boolean }, output: CommandOutput): void {
  const document: StatusDocument = { fleets };
  output.printJson(document);
  if (csv) {
    output.world.stdout.write(output.redact(fleetCsv(fleets.flatMap(({ devices }) => devices))));
    return;
  }
  for (const { broker, topic, devices, malformed, forgotten } of fleets) {
    const table = devices.length > 0 ? fleetTable(devices) : [];
    const summary = output.quiet ? [] : fleetSummary(devices);
    const lines = [`${broker}, topic ${topic}`, ...table, ...summary];
    // One write: each line of ten thousand would wait in memory on its own.
    output.print(lines.map((line) => fitLine(line, output.columns)).join("\n"));
    if (malformed > 0) output.warn(`topic ${topic}: ${malformed} messages are not state reports`);
    if (forgotten > 0) output.warn(`topic ${topic}: ${forgotten} devices are left out; status shows at most 20000`);
  }
}

/** Returns the brokers and topics of all versions, without duplicates. */
async function placesOf(
  root: LoadedRoot,
  versions: readonly LoadedVersion[],
  options: StatusCommandOptions,
  output: CommandOutput,
): Promise<readonly FleetPlace[]> {
  const places = new Map<string, FleetPlace>();
  for (const artifact of versions.flatMap(({ artifacts }) => artifacts)) {
    if (artifact.channels.mqtt === undefined) continue;
    const { channel } = await readMqttChannel(artifact, "chunked", { root, options, output });
    const { broker } = channel;
    if (broker === undefined) {
      const message = "--broker embedded: a broker that begins now has heard of no device";
      throw new OtaError("arguments/invalid", message, { option: "--broker" });
    }
    places.set(`${brokerPlace(channel).broker} ${channel.topic}`, { channel, broker });
  }
  if (places.size > 0) return [...places.values()];
  const message = "no version has an mqtt channel: no device reports anywhere";
  throw new OtaError("arguments/invalid", message, { option: "--manifest" });
}

function filterOf({ state = [], release = [] }: StatusCommandOptions): Omit<FleetFilter, "devices"> {
  return { states: state, releases: release };
}

function isWanted(name: string, { device = [] }: StatusCommandOptions): boolean {
  return device.length === 0 || device.includes(name);
}
