import fc from "fast-check";
import { expect, test } from "vitest";
import { utf8 } from "../bytes.ts";
import { buildEnvelope, type Envelope } from "../messages/envelope.ts";
import { buildOffer } from "../messages/offer.ts";
import { buildRelease } from "../messages/release.ts";
import { topicsOf } from "../messages/topics.ts";
import { HashListSurvey } from "./hash-list-survey.ts";

const ROOT = "tinybms/gateway/ota";
const TOPICS = topicsOf(ROOT);
const LIST = new Uint8Array(16);

const idOf = (image: number): string => image.toString(16).padStart(32, "0");
const listTopic = (image: number): string => TOPICS.hashes(idOf(image));

function releaseOf(image: number): Envelope {
  const payload = buildRelease({
    release: 1,
    product: "gateway",
    hardware: "esp32",
    version: "1.2.3",
    created_at: "2026-01-31T12:00:00Z",
    image: {
      sha256: idOf(image).repeat(2),
      size: 4096,
      chunk_size: 4096,
      hash_list_sha256: "0".repeat(64),
      secure_version: 0,
      chip_id: 0,
    },
  });
  return { payload, signatures: [] };
}

/** An offer of an image; `null` withdraws. */
function offerOf(image: number | null): Uint8Array {
  return offerWith(image === null ? null : releaseOf(image));
}

function offerWith(release: Envelope | null): Uint8Array {
  return buildEnvelope(
    buildOffer({
      offer: 1,
      id: "0".repeat(32),
      topic_root: ROOT,
      epoch: 1,
      sequence: 1,
      issued_at: "2026-01-31T12:00:00Z",
      release,
      chunk_encodings: ["identity"],
      target: "all",
    }),
  );
}

/** A broker with these retained messages, read as the publisher does. */
function survey(
  retained: ReadonlyMap<string, Uint8Array>,
  between: (survey: HashListSurvey) => void = () => undefined,
) {
  const made = new HashListSurvey(ROOT);
  const read = (isWanted: (topic: string) => boolean): void => {
    for (const [topic, payload] of retained) if (isWanted(topic)) made.take(topic, payload, true);
  };
  const isOffer = (topic: string): boolean => topic.endsWith("/offer");
  read((topic) => topic.endsWith("/hashes"));
  read(isOffer);
  const again = new Set(made.candidates);
  made.readAgain();
  between(made);
  read(isOffer);
  read((topic) => again.has(topic));
  return made;
}

const image = fc.integer({ min: 0, max: 9 });
const device = fc.constantFrom("bench-1", "bench-2", "bench-3");
const offerTopic = fc.option(device, { nil: undefined }).map((name) => {
  return name === undefined ? TOPICS.offer : TOPICS.deviceOffer(name);
});
const offers = fc.array(fc.tuple(offerTopic, fc.option(image)), { maxLength: 4 });

test("clears exactly the lists that no offer names, with any targets", () => {
  fc.assert(
    fc.property(fc.uniqueArray(image), offers, (lists, offered) => {
      const retained = new Map<string, Uint8Array>(lists.map((it) => [listTopic(it), LIST]));
      const named = new Map(offered);
      for (const [topic, it] of named) retained.set(topic, offerOf(it));
      const unnamed = lists.filter((it) => ![...named.values()].includes(it));
      expect(survey(retained).unnamed().toSorted()).toEqual(unnamed.map(listTopic).toSorted());
    }),
  );
});

test("never clears what somebody offers or publishes during the survey", () => {
  const offered = fc.record({ topic: offerTopic, image }).map((it) => ({ ...it, payload: offerOf(it.image) }));
  const listed = image.map((it) => ({ topic: listTopic(it), image: it, payload: LIST }));
  fc.assert(
    fc.property(fc.uniqueArray(image), fc.array(fc.oneof(offered, listed)), fc.boolean(), (lists, news, isLate) => {
      const tell = (made: HashListSurvey): void => {
        for (const { topic, payload } of news) made.take(topic, payload, false);
      };
      const made = survey(new Map(lists.map((it) => [listTopic(it), LIST])), isLate ? undefined : tell);
      if (isLate) tell(made);
      const unused = lists.filter((it) => news.every((message) => message.image !== it));
      expect(made.unnamed().toSorted()).toEqual(unused.map(listTopic).toSorted());
    }),
  );
});

test.each([
  ["not an envelope", utf8("{}")],
  ["an offer of a later version", buildEnvelope(utf8('{"offer":2}'))],
  ["a release that can't be read", offerWith({ payload: utf8('{"release":2}'), signatures: [] })],
])("clears nothing next to %s", (_, payload) => {
  const retained = new Map([
    [listTopic(1), LIST],
    [TOPICS.deviceOffer("bench-9"), payload],
  ]);
  const made = survey(retained);
  expect(made.unnamed()).toEqual([]);
  expect(made.obstacle).toBe("unreadable-offer");
});

test("clears nothing that the second reading does not find, and nothing before it", () => {
  const made = new HashListSurvey(ROOT);
  made.take(listTopic(1), LIST, true);
  expect(made.unnamed()).toEqual([]);
  expect(made.candidates).toEqual([listTopic(1)]);
  made.readAgain();
  expect(made.unnamed()).toEqual([]);
  expect(made.isFoundAgain).toBe(false);
  // Retained since the first reading: nobody knows for whom.
  made.take(listTopic(2), LIST, true);
  expect(made.unnamed()).toEqual([]);
  made.take(listTopic(1), LIST, true);
  expect(made.unnamed()).toEqual([listTopic(1)]);
  expect(made.isFoundAgain).toBe(true);
});

test("clears nothing next to more offers than brokers pass on, and at most 64 lists", () => {
  const lists = Array.from({ length: 100 }, (_, it) => [listTopic(it), LIST] as const);
  expect(survey(new Map(lists)).unnamed()).toHaveLength(64);
  const own = (count: number) =>
    Array.from({ length: count }, (_, it) => [TOPICS.deviceOffer(`d-${it}`), offerOf(null)] as const);
  expect(survey(new Map([...lists, ...own(256)])).unnamed()).toHaveLength(64);
  const crowded = survey(new Map([...lists, ...own(257)]));
  expect(crowded.unnamed()).toEqual([]);
  expect(crowded.obstacle).toBe("too-many-offers");
});

test("never clears the publisher's own list, also if its offer is not seen", () => {
  const made = new HashListSurvey(ROOT, idOf(1));
  expect(made.isAnswered).toBe(false);
  made.take(listTopic(1), LIST, true);
  expect(made.candidates).toEqual([]);
  expect(made.isAnswered).toBe(true);
});

test("ignores empty messages and topics of others", () => {
  const retained = new Map([
    [listTopic(1), LIST],
    [TOPICS.offer, new Uint8Array()],
    ["other/v1/offer", utf8("{}")],
  ]);
  const made = survey(retained, (it) => it.take(listTopic(1), new Uint8Array(), false));
  expect(made.unnamed()).toEqual([listTopic(1)]);
});
