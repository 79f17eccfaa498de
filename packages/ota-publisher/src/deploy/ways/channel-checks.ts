import { type Channels, channelsFromEnvironment, secretsOf, usedChannels } from "@tinybms/ota-core";
import type { LoadedArtifact, LoadedRoot } from "@tinybms/ota-core/node";
import type { DeployContext } from "./way.ts";

/** What reading a channel needs of a command. */
export interface ChannelContext {
  readonly root: LoadedRoot;
  readonly options: Pick<DeployContext["options"], "broker" | "allowInsecure">;
  readonly output: DeployContext["output"];
}

/** Names a channel for messages, and the folder for the relative paths in it. */
export function channelPlace({ artifact }: LoadedArtifact, { root: { file, folder } }: ChannelContext): ChannelPlace {
  return { manifestFile: file, folder, artifact: artifact.name };
}

interface ChannelPlace {
  readonly manifestFile: string;
  readonly folder: string;
  readonly artifact: string;
}

/**
 * Puts the environment's variables into channels.
 *
 * @throws {@link OtaError} `manifest/…`
 */
export function expandChannels(channels: Channels, { root, output }: ChannelContext): Channels {
  return channelsFromEnvironment(usedChannels(channels), output.world.env, root.file);
}

/** Warns of each credential that stands in the manifest itself. */
export function literalWarnings(channels: Channels): string[] {
  return secretsOf(channels)
    .filter(({ isLiteral }) => isLiteral)
    .map(({ pointer, kind }) => {
      const place = pointer.slice(1);
      return `channel ${place} holds ${kind}, for everybody who reads the manifest; $NAME takes it from the environment`;
    });
}
