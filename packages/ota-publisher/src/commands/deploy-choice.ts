import { printable } from "@tinybms/cli-kit/output";
import { DEFAULT_PROTOCOLS, OtaError } from "@tinybms/ota-core";
import type { LoadedArtifact, LoadedRoot } from "@tinybms/ota-core/node";
import type { DeployCommandOptions } from "./deploy-options.ts";

/** One artifact over one way to the devices. */
export interface ChosenDelivery {
  readonly artifact: LoadedArtifact;
  readonly transport: "mqtt" | "https" | "serial";
}

/** What is delivered, in order, and what is left out. */
export interface Choice {
  readonly deliveries: readonly ChosenDelivery[];
  /** What is left out, and why, as sentences. */
  readonly warnings: readonly string[];
}

/**
 * Which artifacts go which way: each artifact in order, by the ways of `--transport`, else by its protocols.
 *
 * Left out, with a warning, is a protocol that is none of ours, and one of the two default protocols that nobody asked for
 * and that has no channel. A channel that somebody asked for and that is missing is told by whoever reads it.
 *
 * @throws {@link OtaError} `arguments/invalid` if nothing is left.
 */
export function chooseDeliveries(
  artifacts: readonly LoadedArtifact[],
  { manifest }: Pick<LoadedRoot, "manifest">,
  { transport, version }: Pick<DeployCommandOptions, "transport" | "version">,
): Choice {
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
    for (const protocol of protocols) {
      const leaveOut = (why: string): void => {
        warnings.push(`${printable(artifact.name)} is not delivered by ${printable(protocol)}: ${why}`);
      };
      if (protocol === "serial") {
        // A cable is where somebody sits: a release may go by one, and this run still mean the network.
        if (transport === undefined) leaveOut("--transport serial flashes the boards at a cable");
        else deliveries.push({ artifact: loaded, transport: protocol });
      } else if (protocol !== "mqtt" && protocol !== "https") leaveOut("it is none of mqtt, https and serial");
      else if (hasChannel && channels[protocol] === undefined && isDefault(protocols)) {
        leaveOut("the manifest has no such channel");
      } else deliveries.push({ artifact: loaded, transport: protocol });
    }
  }
  if (deliveries.length > 0) return { deliveries, warnings };
  const message = `no artifact of version ${version} can be delivered: ${warnings.join("; ")}`;
  const hint = "--transport mqtt or --transport https delivers them that way nevertheless";
  throw new OtaError("arguments/invalid", message, { option: "--transport" }, { hint });
}
