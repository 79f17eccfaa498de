import { printable } from "@tinybms/cli-kit/output";
import { DEFAULT_PROTOCOLS, expandEnvironment, OtaError } from "@tinybms/ota-core";
import type { LoadedArtifact, LoadedRoot } from "@tinybms/ota-core/node";
import type { DeployOptions } from "./ways/deploy-options.ts";
import { type KnownWay, WAYS } from "./ways.ts";

/** One artifact over one way to the devices. */
export interface ChosenDelivery {
  readonly artifact: LoadedArtifact;
  readonly way: KnownWay;
}

/** What is delivered, in order, and what is left out. */
export interface Choice {
  readonly deliveries: readonly ChosenDelivery[];
  /** What is left out and why, as sentences. */
  readonly warnings: readonly string[];
}

/** Transport of the boards at a cable. */
const CABLE = "serial";

/**
 * Chooses which artifacts go which way: each artifact in order, by the ways of `--transport`, else by its protocols.
 *
 * Leaves out, with a warning, protocols that no way has, and of the two default protocols one that nobody asked for and
 * that has no channel. The way itself reports a channel that somebody asked for and that is missing.
 *
 * @throws {@link OtaError} `arguments/invalid` if nothing is left, or an option can't be kept by the ways that are left.
 */
export function chooseDeliveries(
  artifacts: readonly LoadedArtifact[],
  { manifest }: Pick<LoadedRoot, "manifest">,
  options: DeployOptions,
  env: Readonly<Record<string, string | undefined>>,
): Choice {
  const { transport, version } = options;
  const deliveries: ChosenDelivery[] = [];
  const warnings: string[] = [];
  const isDefault = (protocols: readonly string[]): boolean =>
    transport === undefined &&
    manifest.deployment?.default_protocols === undefined &&
    protocols.join() === DEFAULT_PROTOCOLS.join();
  for (const loaded of artifacts) {
    const { artifact, channels } = loaded;
    const protocols = [...new Set(transport ?? loaded.protocols)];
    const hasChannel = protocols.some((protocol) => channels[protocol] !== undefined);
    const mode = options.mode ?? expandEnvironment(channels, env).channels.mqtt?.mode;
    for (const protocol of protocols) {
      const way = wayOf(protocol, mode);
      const leaveOut = (why: string): void => {
        warnings.push(`${printable(artifact.name)} is not delivered by ${printable(protocol)}: ${why}`);
      };
      if (way === undefined) leaveOut(`it is none of ${listOf(TRANSPORTS)}`);
      else if (protocol === CABLE && transport === undefined) {
        // A cable is where somebody sits: a release may go by one, and this run still mean the network.
        leaveOut("--transport serial flashes the boards at a cable");
      } else if (hasChannel && channels[protocol] === undefined && isDefault(protocols)) {
        leaveOut("the manifest has no such channel");
      } else deliveries.push({ artifact: loaded, way });
    }
  }
  if (deliveries.length === 0) {
    const message = `no artifact of version ${version} can be delivered: ${warnings.join("; ")}`;
    throw invalid("--transport", message, "--transport mqtt or --transport https delivers them that way nevertheless");
  }
  assertOptionsKept(
    options,
    deliveries.map(({ way }) => way),
  );
  return { deliveries, warnings };
}

/** Names of the transports that `--transport` takes. */
export const TRANSPORTS: readonly string[] = [...new Set(WAYS.map(({ transport }) => transport))];

function wayOf(transport: string, mode: string | undefined): KnownWay | undefined {
  const ways = WAYS.filter((way) => way.transport === transport);
  return ways.find(({ name }) => name === mode) ?? ways[0];
}

/** Refuses options of which the chosen ways know nothing. */
function assertOptionsKept(options: DeployOptions, ways: readonly KnownWay[]): void {
  const { device = [], deviceFile, expect, port = [], allPorts, signKey = [], signCommand = [] } = options;
  if (!ways.some(({ transport }) => transport === CABLE) && (port.length > 0 || allPorts === true)) {
    const option = port.length > 0 ? "--port" : "--all-ports";
    throw invalid(option, `${option} is for boards at a cable: add --transport serial`);
  }
  const other = ways.find(({ canAnswer }) => !canAnswer);
  if (other === undefined) return;
  if (device.length > 0 || deviceFile !== undefined) {
    const option = device.length > 0 ? "--device" : "--device-file";
    const hint = "--transport mqtt --mode chunked delivers to named devices";
    throw invalid(option, `${option} can't be kept: ${other.form} ${other.reaches}`, hint);
  }
  if (ways.some(({ canAnswer }) => canAnswer)) return;
  if (expect !== undefined) throw invalid("--expect", `--expect can't be kept: no device answers ${other.form}`);
  if (signKey.length === 0 && signCommand.length === 0) return;
  const option = signKey.length > 0 ? "--sign-key" : "--sign-command";
  throw invalid(option, `${option} can't be kept: only deliveries by mqtt in chunks have an offer to be signed`);
}

function listOf(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function invalid(option: string, message: string, hint?: string): OtaError<"arguments/invalid"> {
  return new OtaError("arguments/invalid", message, { option }, hint === undefined ? {} : { hint });
}
