import { printable } from "@tinybms/cli-kit/output";
import { DEFAULT_PROTOCOLS, expandEnvironment, OtaError } from "@tinybms/ota-core";
import type { LoadedArtifact, LoadedRoot } from "@tinybms/ota-core/node";
import type { DeployOptions } from "./ways/deploy-options.ts";
import { installOptionOf } from "./ways/install-terms.ts";
import { type KnownWay, WAYS } from "./ways.ts";

/** One artifact with the way that delivers it. */
export interface ChosenDelivery {
  readonly artifact: LoadedArtifact;
  readonly way: KnownWay;
}

/** Deliveries in order, and what is left out. */
export interface Choice {
  readonly deliveries: readonly ChosenDelivery[];
  /** One sentence for each artifact that is left out. */
  readonly warnings: readonly string[];
}

/** Transport for boards on a serial cable. */
const CABLE = "serial";

/**
 * Chooses the ways for each artifact, in order: those of `--transport`, otherwise the artifact's protocols.
 *
 * Leaves out, with a warning, unknown protocols, and a default protocol without a channel. If the user asked for a
 * protocol without a channel, its way reports that.
 *
 * @throws {@link OtaError} `arguments/invalid` if no delivery is left, or the chosen ways can't follow an option.
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
      if (way === undefined) leaveOut(`the transports are ${listOf(TRANSPORTS)}`);
      else if (protocol === CABLE && transport === undefined) {
        // A release may allow the cable although this run is meant for devices on the network.
        leaveOut("--transport serial flashes boards on a cable");
      } else if (hasChannel && channels[protocol] === undefined && isDefault(protocols)) {
        leaveOut("the manifest has no such channel");
      } else deliveries.push({ artifact: loaded, way });
    }
  }
  if (deliveries.length === 0) {
    const message = `no artifact of version ${version} can be delivered: ${warnings.join("; ")}`;
    throw invalid("--transport", message, "choose a transport with --transport mqtt or --transport https");
  }
  assertOptionsKept(
    options,
    deliveries.map(({ way }) => way),
  );
  return { deliveries, warnings };
}

/** Names of the transports for `--transport`. */
export const TRANSPORTS: readonly string[] = [...new Set(WAYS.map(({ transport }) => transport))];

function wayOf(transport: string, mode: string | undefined): KnownWay | undefined {
  const ways = WAYS.filter((way) => way.transport === transport);
  return ways.find(({ name }) => name === mode) ?? ways[0];
}

/** Checks that the chosen ways can follow every option. */
function assertOptionsKept(options: DeployOptions, ways: readonly KnownWay[]): void {
  const { expect, rate, port = [], allPorts, signKey = [], signCommand = [] } = options;
  if (!ways.some(({ transport }) => transport === CABLE) && (port.length > 0 || allPorts === true)) {
    const option = port.length > 0 ? "--port" : "--all-ports";
    throw invalid(option, `${option} applies to boards on a cable: add --transport serial`);
  }
  const { rollout, resume, retryFailed } = options;
  if (rollout !== undefined || resume !== undefined || retryFailed !== undefined) assertOneChunked(ways);
  if (options.join === true) assertCanJoin(options, ways);
  const other = ways.find(({ canAnswer }) => !canAnswer);
  if (other === undefined) return;
  const option = deviceOptionOf(options);
  if (option !== undefined) {
    const hint = "--transport mqtt --mode chunked delivers to named devices";
    throw invalid(option, `${option} has no effect: ${other.form} ${other.reaches}`, hint);
  }
  if (ways.some(({ canAnswer }) => canAnswer)) return;
  if (expect !== undefined) throw invalid("--expect", `--expect has no effect: no device answers ${other.form}`);
  const ofRestart = installOptionOf(options);
  if (ofRestart !== undefined) {
    throw invalid(ofRestart, `${ofRestart} has no effect: only chunked delivery over mqtt has an offer`);
  }
  if (rate !== undefined) throw invalid("--rate", "--rate has no effect: only chunked delivery over mqtt has a rate");
  if (signKey.length === 0 && signCommand.length === 0) return;
  const ofSigner = signKey.length > 0 ? "--sign-key" : "--sign-command";
  throw invalid(ofSigner, `${ofSigner} has no effect: only chunked delivery over mqtt has an offer to sign`);
}

/** Returns the first option that names devices; `undefined` if none does. */
function deviceOptionOf({ device = [], deviceFile, tag = [], fromVersion }: DeployOptions): string | undefined {
  if (device.length > 0) return "--device";
  if (deviceFile !== undefined) return "--device-file";
  if (tag.length > 0) return "--tag";
  return fromVersion === undefined ? undefined : "--from-version";
}

function assertOneChunked(ways: readonly KnownWay[]): void {
  if (ways.length === 1 && ways[0]?.name === "chunked") return;
  const message = `a rollout is one delivery in chunks over mqtt; there are ${ways.map(({ form }) => form).join(", ")}`;
  throw invalid("--rollout", message, "--transport mqtt --mode chunked chooses it");
}

/** Checks that nothing is asked of a publisher that joins which only the one that makes the offer can do. */
function assertCanJoin(options: DeployOptions, ways: readonly KnownWay[]): void {
  const other = ways.find(({ name }) => name !== "chunked");
  if (other !== undefined) {
    const message = `${other.form} has no offer to join`;
    throw invalid("--join", message, "--transport mqtt --mode chunked chooses a delivery with an offer");
  }
  const { rollout, resume, retryFailed, signKey = [], signCommand = [] } = options;
  const given: Readonly<Record<string, unknown>> = {
    "--rollout": rollout,
    "--resume": resume,
    "--retry-failed": retryFailed,
    "--sign-key": signKey[0],
    "--sign-command": signCommand[0],
    "--from-version": options.fromVersion,
    "--wait none": options.wait === "none" ? options.wait : undefined,
  };
  const option = Object.keys(given).find((name) => given[name] !== undefined) ?? installOptionOf(options);
  if (option === undefined) return;
  throw invalid("--join", `${option} has no effect with --join: the publisher that made the offer decides that`);
}

function listOf(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function invalid(option: string, message: string, hint?: string): OtaError<"arguments/invalid"> {
  return new OtaError("arguments/invalid", message, { option }, { hint });
}
