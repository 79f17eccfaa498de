import type { RolloutOffer } from "@tinybms/ota-core/rollout";

/**
 * Returns an offer's envelopes as a journal holds them: each envelope once, with its topics.
 *
 * @param envelopes - The envelope of each topic. Topics of one part share the same bytes.
 */
export function partsOf(envelopes: ReadonlyMap<string, Uint8Array>): RolloutOffer["parts"] {
  const topicsByEnvelope = new Map<Uint8Array, string[]>();
  for (const [topic, envelope] of envelopes) {
    const topics = topicsByEnvelope.get(envelope);
    if (topics === undefined) topicsByEnvelope.set(envelope, [topic]);
    else topics.push(topic);
  }
  return [...topicsByEnvelope].map(([envelope, topics]) => ({
    topics,
    envelope: Buffer.from(envelope).toString("base64"),
  }));
}

/** Returns the envelope of each topic of an offer in a journal. */
export function envelopesOf({ parts }: Pick<RolloutOffer, "parts">): ReadonlyMap<string, Uint8Array> {
  return new Map(
    parts.flatMap(({ topics, envelope }) => {
      const bytes = Buffer.from(envelope, "base64");
      return topics.map((topic) => [topic, bytes] as const);
    }),
  );
}
