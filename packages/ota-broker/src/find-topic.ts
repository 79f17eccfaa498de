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
  if (roots === undefined) return found(topic)?.parsed;
  for (const root of roots) {
    const parsed = parseTopic(root, topic);
    if (parsed !== undefined) return parsed;
  }
  return undefined;
}

/** Returns the root of a topic of the protocol, the shortest that fits; `undefined` for any other topic. */
export function rootOf(topic: string): string | undefined {
  return found(topic)?.root;
}

/** A topic of the protocol, and its shortest root. */
interface FoundTopic {
  readonly root: string;
  readonly parsed: ParsedTopic;
}

/** Maximum number and length of the topics that {@link found} remembers. */
const REMEMBERED_MAX = { topics: 256, characters: 256 };

/** Each chunk of a delivery has the same topic, and each guard that it passes asks for its meaning. */
const remembered: Map<string, FoundTopic | undefined> = new Map();

function found(topic: string): FoundTopic | undefined {
  if (remembered.has(topic)) return remembered.get(topic);
  const result = search(topic);
  if (topic.length > REMEMBERED_MAX.characters) return result;
  if (remembered.size === REMEMBERED_MAX.topics) remembered.clear();
  remembered.set(topic, result);
  return result;
}

function search(topic: string): FoundTopic | undefined {
  for (const root of rootsIn(topic)) {
    const parsed = parseTopic(root, topic);
    if (parsed !== undefined) return { root, parsed };
  }
  return undefined;
}

/** Yields the possible roots of a topic, shortest first. */
function* rootsIn(topic: string): Generator<string> {
  for (let end = topic.indexOf("/v1/"); end >= 0; end = topic.indexOf("/v1/", end + 1)) {
    const root = topic.slice(0, end);
    if (isTopicRoot(root)) yield root;
  }
}
