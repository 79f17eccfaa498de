import { type Channels, channelsFromEnvironment, secretsOf, usedChannels } from "@tinybms/ota-core";
import type { LoadedArtifact, LoadedRoot } from "@tinybms/ota-core/node";
import type { DeployContext } from "./way.ts";

/** Part of a command's context that reading a channel needs. */
export interface ChannelContext {
  readonly root: LoadedRoot;
  readonly options: Pick<DeployContext["options"], "broker" | "allowInsecure">;
  readonly output: DeployContext["output"];
}

/** Returns the manifest and artifact of a channel for messages, and the folder for its relative paths. */
export function channelPlace({ artifact }: LoadedArtifact, { root: { file, folder } }: ChannelContext): ChannelPlace {
  return { manifestFile: file, folder, artifact: artifact.name };
}

interface ChannelPlace {
  readonly manifestFile: string;
  readonly folder: string;
  readonly artifact: string;
}

/**
 * Replaces variables in channels with values from the environment.
 *
 * @throws {@link OtaError} `manifest/…`
 */
export function expandChannels(channels: Channels, { root, output }: ChannelContext): Channels {
  return channelsFromEnvironment(usedChannels(channels), output.world.env, root.file);
}

/** Returns a warning for each credential that is written in the manifest itself. */
export function literalWarnings(channels: Channels): string[] {
  return secretsOf(channels)
    .filter(({ isLiteral }) => isLiteral)
    .map(({ pointer, kind }) => {
      const place = pointer.slice(1);
      return `channel ${place} holds ${kind}, which everyone who can read the manifest sees; use $NAME to take it from the environment`;
    });
}
