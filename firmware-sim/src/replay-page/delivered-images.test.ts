import { buildHashList, topicsOf } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { createDevice } from "../device/create-device.ts";
import { publishImage } from "../simulation/publish-image.ts";
import { DeliveredImages } from "./delivered-images.ts";

const TOPIC = "tinybms/gateway/ota";
const RUNNING = buildAppImage({ version: "1.0.0", sizeBytes: 20_000, seed: 1 });

/** Returns the retained messages of an offer. */
function messagesOf(image: Uint8Array): { readonly topic: string; readonly payload: Uint8Array }[] {
  const sender = publishImage({ image, topicRoot: TOPIC, product: "TinyBMS Web Gateway", sequence: 2 });
  const actions = [{ type: "start" } as const, { type: "connected" } as const].flatMap((event) =>
    sender.handle({ ...event, now: 0 }),
  );
  const hashes = actions.flatMap((action) => (action.type === "publish" ? [action] : []));
  const more = hashes.flatMap(({ id }) => sender.handle({ type: "drained", now: 0, id }));
  return [...hashes, ...more.flatMap((action) => (action.type === "publish" ? [action] : []))];
}

function sector(image: Uint8Array, from: number): Uint8Array {
  const bytes = new Uint8Array(4096).fill(0xff);
  bytes.set(image.subarray(from, from + 4096));
  return bytes;
}

function known(): DeliveredImages {
  const images = new DeliveredImages(new Set([TOPIC]));
  images.addOld(createDevice({ id: "bench-1", app: RUNNING }).hardware.flash);
  return images;
}

test("knows the sectors of an offered image, also the last one, and nothing after it", () => {
  const image = buildAppImage({ version: "2.0.0", sizeBytes: 20_000, seed: 2 });
  const images = known();
  // The hash list counts only for an offer that names it.
  for (const { topic, payload } of messagesOf(image).toReversed()) images.addMessage(topic, payload);
  for (let from = 0; from < image.length; from += 4096) {
    expect(images.contentOf(sector(image, from), from)).toBe("new image");
    expect(images.contentOf(sector(image, from), from + 4096)).toBeUndefined();
    expect(images.contentOf(sector(RUNNING, from), from)).toBe("old image");
  }
  const tail = sector(image, 4 * 4096);
  tail[4095] = 0;
  expect(images.contentOf(tail, 4 * 4096)).toBeUndefined();
});

test("ignores hash lists that no offer names or that differ from the release", () => {
  const image = buildAppImage({ version: "2.0.0", sizeBytes: 20_000, seed: 2 });
  const images = known();
  const [hashes, offer] = messagesOf(image);
  images.addMessage(hashes?.topic ?? "", buildHashList(image));
  images.addMessage(offer?.topic ?? "", offer?.payload ?? new Uint8Array());
  images.addMessage(hashes?.topic ?? "", buildHashList(RUNNING));
  images.addMessage(topicsOf(TOPIC).offer, new Uint8Array([1]));
  expect(images.contentOf(sector(image, 0), 0)).toBeUndefined();
});

test("remembers the eight latest images", () => {
  const images = known();
  const all = Array.from({ length: 9 }, (_, seed) =>
    buildAppImage({ version: `2.0.${seed}`, sizeBytes: 8192, seed: seed + 10 }),
  );
  for (const image of all) {
    for (const { topic, payload } of messagesOf(image).toReversed()) images.addMessage(topic, payload);
  }
  const contents = all.map((image) => images.contentOf(sector(image, 0), 0));
  expect(contents).toEqual([undefined, ...Array(8).fill("new image")]);
});
