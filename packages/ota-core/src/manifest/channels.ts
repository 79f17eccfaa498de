import type { Artifact, Channels, RootManifest, VersionManifest } from "../schemas/types.generated.ts";
import { HTTPS_MEMBERS, isJsonObject, MQTT_MEMBERS } from "./loose-values.ts";

/** The members that deliveries use, by channel. */
const USED: Readonly<Record<string, readonly string[]>> = {
  mqtt: Object.keys(MQTT_MEMBERS),
  https: Object.keys(HTTPS_MEMBERS),
};

/**
 * Merges an artifact's channels: per channel name, the artifact's members override the version's, and those override
 * the root's. A member that is an object, such as `headers`, is replaced as a whole, and so is a channel that is not an
 * object.
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
 * Returns `true` if an artifact is delivered in a way that requires an app image: in chunks or by cable.
 *
 * @param protocols - The artifact's protocols, in any order.
 * @param mqttMode - `mode` of its channel `mqtt`.
 */
export function needsAppImage(protocols: readonly string[], mqttMode: unknown): boolean {
  return protocols.includes("serial") || (protocols.includes("mqtt") && mqttMode !== "blob");
}

/** Returns the part of channels that deliveries use: `mqtt` and `https`, without members of other tools. */
export function usedChannels(channels: Channels): Channels {
  const used = Object.entries(USED).flatMap(([name, members]) => {
    const channel = channels[name];
    if (!isJsonObject(channel)) return [];
    return [[name, Object.fromEntries(Object.entries(channel).filter(([member]) => members.includes(member)))]];
  });
  return Object.fromEntries(used);
}
