import { isTopicRoot, type ParsedTopic, parseTopic } from "@tinybms/ota-core";

/**
 * Parses a topic of the protocol whose root may be unknown.
 *
 * @param topic - Any text.
 * @param roots - Possible roots; `undefined` allows any.
 * @returns The parsed topic, with the shortest matching root; `undefined` for any other topic, also for a filter with a
 *   wildcard before `/v1/`.
 */
export function findTopic(topic: string, roots: readonly string[] | undefined): ParsedTopic | undefined {
  for (const root of roots ?? rootsIn(topic)) {
    const parsed = parseTopic(root, topic);
    if (parsed !== undefined) return parsed;
  }
  return undefined;
}

/** Returns the root of a topic of the protocol, the shortest that fits; `undefined` for any other topic. */
export function rootOf(topic: string): string | undefined {
  for (const root of rootsIn(topic)) if (parseTopic(root, topic) !== undefined) return root;
  return undefined;
}

/** Yields the possible roots of a topic, shortest first. */
function* rootsIn(topic: string): Generator<string> {
  for (let end = topic.indexOf("/v1/"); end >= 0; end = topic.indexOf("/v1/", end + 1)) {
    const root = topic.slice(0, end);
    if (isTopicRoot(root)) yield root;
  }
}
