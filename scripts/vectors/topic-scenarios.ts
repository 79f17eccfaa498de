/** Vectors of topics: which messages are for a device. */

import type { VectorObject } from "../../firmware-sim/src/conformance/vector.ts";
import { rawEnvelope, rawObject, reconnect, WITHDRAWAL } from "./raw-documents.ts";
import { keySetMessage, keySetObject, keySetOf, OTHER_IMAGE } from "./vector-documents.ts";
import type { VectorScenario } from "./vector-scenario.ts";
import { accepting, downloading } from "./vector-scenario.ts";
import { DEVICE, textOf, type VectorScript } from "./vector-script.ts";

const RULE = "A device takes the messages of its own topics, and no others.";

/** Topics below the topic root on which no message is for the device. */
const FOREIGN = [
  ...[
    "",
    "/",
    "/v1",
    "/v1/",
    "/v2/offer",
    "/v1/offers",
    "/v1/offer/",
    "/v1/Offer",
    "/v1/keys",
    "/v1/keys/",
    "/v1/key/2",
  ],
  ...["/v1/device//offer", "/v1/device/offer", "/v1/device/bench-2/offer", "/v1/device/bench-2/chunk"],
  ...["/v1/device/-bench/offer", "/v1/device/be nch/offer", "/v1/device/bench-1/offer/x", "/v1/device/bench-1/offe"],
  ...[
    `/v1/device/${"b".repeat(65)}/offer`,
    "/v1/device/bench-1/state",
    "/v1/device/bench-1/request",
    "/v1/devices/bench-1/offer",
  ],
  ...[
    "/v1/image/ab/hashes",
    `/v1/image/${"g".repeat(32)}/hashes`,
    `/v1/image/${OTHER_IMAGE}/chunks`,
    `/v1/images/${OTHER_IMAGE}/chunk`,
  ],
  ...[
    `/v1/image/${OTHER_IMAGE}/hashe_`,
    `/v1/image/${OTHER_IMAGE.toUpperCase()}/chunk`,
    "/v1/image//chunk",
    "/v1/x/y/z",
    "/v1/a/b/c/d",
  ],
];

/** Last levels of topics of key sets that are no epoch. */
const NOT_EPOCHS = ["0", "02", "-2", "2x", "x", "+2", "2147483648", "4294967298", "12345678901", "/", ":", "2 "];

async function publishAll(script: VectorScript, topics: readonly string[], payload: VectorObject): Promise<void> {
  for (const topic of topics) await script.message(topic, payload);
}

const WITHDRAWN: VectorObject = { text: rawEnvelope(rawObject(WITHDRAWAL)) };

/** Vectors of topics. */
export const TOPIC_SCENARIOS: readonly VectorScenario[] = [
  {
    name: "foreign-topics",
    rule: RULE,
    async play(script) {
      await accepting(script);
      await publishAll(
        script,
        FOREIGN.map((rest) => `bench/ota${rest}`),
        { text: "x" },
      );
      await publishAll(
        script,
        ["bench/otb/v1/offer", "benchota/v1/offer", "x", "bench/ota2/v1/offer", "ota/v1/offer"],
        WITHDRAWN,
      );
      await reconnect(script);
    },
  },
  {
    name: "topics-of-key-sets",
    rule: "The last level of a key set's topic is its epoch: 1 to 2 147 483 647, without leading zeros.",
    keySet: keySetObject(),
    async play(script) {
      await accepting(script, new Uint8Array());
      const message = textOf(keySetMessage(keySetOf({ epoch: 2 }), ["root"]));
      await publishAll(
        script,
        NOT_EPOCHS.map((level) => `bench/ota/v1/keys/${level}`),
        message,
      );
      await script.message(script.topics.keys(2_147_483_647), message);
    },
  },
  {
    name: "own-chunk-topic",
    rule: "Chunks come on the topic of the image, and on the device's own.",
    async play(script) {
      await downloading(script);
      await script.message(script.topics.deviceChunk(DEVICE), { chunk: 1 }, { retained: false });
      await script.message(script.topics.deviceChunk(DEVICE), { fill: 0, length: 4117 }, { retained: false });
      await script.message(script.topics.imageChunk(script.imageId), { fill: 0, length: 4117 }, { retained: false });
      await script.message(script.topics.deviceChunk(DEVICE), { text: "TX" }, { retained: false });
      await script.message(script.topics.deviceChunk(DEVICE), { text: `TX${"x".repeat(30)}` }, { retained: false });
      await script.message(script.topics.deviceChunk(DEVICE), { chunk: 2 }, { retained: false });
      await script.message(script.topics.deviceChunk(DEVICE), { chunk: 0 }, { retained: false });
    },
  },
  {
    name: "hash-lists-that-are-not-awaited",
    rule: "A hash list that the device does not wait for is dropped.",
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      await script.hashes();
      await script.message(script.topics.hashes(OTHER_IMAGE), { hash_list: true });
      await downloading(script);
      await script.hashes();
      await script.message(script.topics.hashes(script.imageId), { text: "" });
      await script.message(script.topics.hashes(OTHER_IMAGE), { hash_list: true });
      await script.message(script.topics.hashes(script.imageId), { fill: 0, length: 48 });
      await reconnect(script);
    },
  },
  {
    name: "hash-list-of-another-image",
    rule: "The list must have 16 bytes for each chunk and the SHA-256 of hash_list_sha256; another one is dropped.",
    async play(script) {
      await accepting(script);
      await script.message(script.topics.hashes(OTHER_IMAGE), { hash_list: true });
      await script.message(script.topics.hashes(script.imageId), { fill: 1, length: 48 });
      await script.message(script.topics.hashes(script.imageId), { fill: 1, length: 47 });
      await script.message(script.topics.hashes(script.imageId), { text: "" });
      await script.hashes();
    },
  },
  {
    name: "chunk-headers",
    rule: "What is no chunk message of the image is dropped.",
    async play(script) {
      await downloading(script);
      const whole = script.chunkMessage(1);
      for (const [at, value] of [
        [0, 0],
        [1, 0],
        [2, 2],
        [3, 1],
        [3, 2],
        [4, 0],
        [8, 9],
        [12, 9],
        [13, 1],
        [16, 1],
        [19, 1],
        [20, 0x7e],
      ] as const) {
        const changed = Uint8Array.from(whole);
        changed[at] = value;
        const payload = { b64: Buffer.from(changed).toString("base64") };
        await script.message(script.topics.imageChunk(script.imageId), payload, { retained: false });
      }
      await script.chunk(1);
    },
  },
  {
    name: "before-the-first-event",
    rule: "The first event is booted; the device ignores what arrives before.",
    async play(script) {
      await script.run({ type: "connected" });
      await script.offer(Buffer.from(rawEnvelope(rawObject(WITHDRAWAL))));
      await accepting(script);
    },
  },
];
