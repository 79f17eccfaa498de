import type { Artifact, Channels, RootManifest, VersionManifest } from "../schemas/types.generated.ts";

/** One channel of any name. */
export type Channel = NonNullable<Channels[string]>;

/**
 * The channels over which an artifact goes: per channel name, the members of root, version and artifact merged, the
 * later above the earlier. A member that is itself an object, such as `headers`, is replaced as a whole.
 */
export function resolveChannels(root: RootManifest, version: VersionManifest, artifact: Artifact): Channels {
  const resolved: Channels = {};
  for (const channels of [root.deployment?.channels, version.channels, artifact.channels]) {
    for (const [name, channel] of Object.entries(channels ?? {})) {
      resolved[name] = { ...resolved[name], ...channel };
    }
  }
  return resolved;
}
