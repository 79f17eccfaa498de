import type { Artifact, Channels, RootManifest, VersionManifest } from "../schemas/types.generated.ts";
import { HTTPS_MEMBERS, isJsonObject, MQTT_MEMBERS } from "./loose-values.ts";

/** The members that are read, by channel. */
const USED: Readonly<Record<string, readonly string[]>> = {
  mqtt: Object.keys(MQTT_MEMBERS),
  https: Object.keys(HTTPS_MEMBERS),
};

/**
 * Returns the channels over which an artifact goes: per channel name, the members of root, version and artifact merged,
 * the later above the earlier. A member that is itself an object, such as `headers`, is replaced as a whole, and so is a
 * channel that is no object.
 */
export function resolveChannels(root: RootManifest, version: VersionManifest, artifact: Artifact): Channels {
  const resolved: Channels = {};
  for (const channels of [root.deployment?.channels, version.channels, artifact.channels]) {
    for (const [name, channel] of Object.entries(channels ?? {})) {
      const earlier = resolved[name];
      resolved[name] = isJsonObject(earlier) && isJsonObject(channel) ? { ...earlier, ...channel } : channel;
    }
  }
  return resolved;
}

/**
 * Whether an artifact goes a way that only an app image can go: in chunks or by cable.
 *
 * @param protocols - The artifact's, in any order.
 * @param mqttMode - `mode` of its channel `mqtt`.
 */
export function needsAppImage(protocols: readonly string[], mqttMode: unknown): boolean {
  return protocols.includes("serial") || (protocols.includes("mqtt") && mqttMode !== "blob");
}

/** Returns what deliveries read of channels: `mqtt` and `https`, without the members that other tools put there. */
export function usedChannels(channels: Channels): Channels {
  const used = Object.entries(USED).flatMap(([name, members]) => {
    const channel = channels[name];
    if (!isJsonObject(channel)) return [];
    return [[name, Object.fromEntries(Object.entries(channel).filter(([member]) => members.includes(member)))]];
  });
  return Object.fromEntries(used);
}
