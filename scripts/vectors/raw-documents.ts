/** Documents written member by member, so that vectors can have each of them wrong. */
import { TOPIC_ROOT, type VectorScript } from "./vector-script.ts";

/** Members of an object, each as the JSON text of its value, one character a byte; `undefined` leaves a member out. */
export type RawMembers = Readonly<Record<string, string | undefined>>;

/** Returns an object's text. */
export function rawObject(members: RawMembers): string {
  const texts = Object.entries(members).flatMap(([name, value]) => (value === undefined ? [] : [`"${name}":${value}`]));
  return `{${texts.join(",")}}`;
}

/** Members of a withdrawal: the shortest offer. */
export const WITHDRAWAL: RawMembers = {
  offer: "1",
  id: `"${"5a".repeat(16)}"`,
  topic_root: `"${TOPIC_ROOT}"`,
  epoch: "1",
  sequence: "1",
  issued_at: '"2026-01-01T00:00:00Z"',
  chunk_encodings: '["identity"]',
  target: '"all"',
  release: "null",
};

/** Returns the envelope of a payload's text, without signatures. */
export function rawEnvelope(payload: string): string {
  return rawObject({ payload: `"${Buffer.from(payload, "latin1").toString("base64")}"`, signatures: "[]" });
}

/** Publishes messages on the topic of offers as the broker gives them back, one by one. */
export async function offerAll(script: VectorScript, messages: readonly string[]): Promise<void> {
  for (const text of messages) await script.message(script.topics.offer, { text });
}

/** Connects again: the report says how many messages were refused, and why the last one. */
export async function reconnect(script: VectorScript): Promise<void> {
  await script.run({ type: "disconnected" });
  await script.run({ type: "connected" });
}
