import type { SenderOptions } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { copyHardware } from "../src/boot/boot-options.ts";
import { createDevice, createHardware } from "../src/device/create-device.ts";
import { parseFault } from "../src/fault/parse-fault.ts";
import { ContentCache } from "../src/flash/content-cache.ts";
import { createRandom } from "../src/random/random.ts";
import type { NetworkOptions, WorldEvent } from "../src/simulation/network-options.ts";
import { ImagePublisher, type Publication, prepareSender } from "../src/simulation/publish-image.ts";
import type { PublisherRun } from "../src/simulation/publisher-in-world.ts";
import { World } from "../src/simulation/world.ts";

const RATE = 65_536;
const CHUNK = 4_096;
const CHUNKS = 96;
const COUNT = 12;
const TOPIC = "tinybms/gateway/ota";
/** Time that one image takes at the rate, in milliseconds. */
const IMAGE_MS = (CHUNKS * CHUNK * 1_000) / RATE;
const HOUR_MS = 3_600_000;

const image = (version: string, size: number) => buildAppImage({ version, sizeBytes: size * CHUNK, seed: size });
const hardware = createHardware({ app: image("1.0.0", 16) });
hardware.flash.rememberIn(new ContentCache());
const options = { rate: RATE, spreadMs: 2 * COUNT, expected: { count: COUNT } };
const publication: Publication = {
  image: image("2.0.0", CHUNKS),
  topicRoot: TOPIC,
  product: "TinyBMS Web Gateway",
  spreadMs: options.spreadMs,
  sender: options,
};
const prepared = prepareSender(publication);

/** A fleet with publishers of one offer. */
class Fleet {
  readonly world: World;
  readonly events: WorldEvent[] = [];
  readonly publishers: PublisherRun[] = [];
  readonly #seed: number;
  #joined = 0;

  constructor(seed: number, { loss = 0, network }: { loss?: number; network?: NetworkOptions } = {}) {
    const devices = Array.from({ length: COUNT }, (_, index) =>
      createDevice({ id: `bench-${index}`, hardware: copyHardware(hardware), seed: seed * 1_000 + index }),
    );
    const faults = loss === 0 ? [] : [parseFault(`*:lose=chunk,probability=${loss}`)];
    this.#seed = seed;
    this.world = new World({ seed, devices, faults, network, observe: (event) => this.events.push(event) });
    this.#add();
  }

  /** Starts a publisher that joins. @param firstDraws - What its random numbers begin with. */
  join(atMs: number, firstDraws: readonly number[] = []): void {
    this.#joined++;
    const random = createRandom(this.#seed * 100 + this.#joined);
    const draws = [...firstDraws];
    this.world.schedule(atMs, () => this.#add({ join: { random: () => draws.shift() ?? random.float() } }));
  }

  get isConfirmed(): boolean {
    return this.world.devices.every(({ state }) => state === "confirmed");
  }

  /** Images that all publishers sent to all devices or to one. */
  get images(): number {
    const sent = this.events.filter(
      ({ type, client, topic }) => type === "publish" && client.startsWith("publisher-") && topic?.endsWith("/chunk"),
    );
    return sent.length / CHUNKS;
  }

  #add(more: Pick<SenderOptions, "join"> = {}): void {
    this.publishers.push(this.world.addPublisher(new ImagePublisher({ ...prepared, ...more }), TOPIC));
  }
}

test("two that join send nothing while the first one answers, and all end as delivered", () => {
  for (const joinedAtMs of [100, 500, IMAGE_MS / 2, IMAGE_MS]) {
    const fleet = new Fleet(1);
    fleet.join(joinedAtMs);
    fleet.join(joinedAtMs + 100);
    fleet.world.runUntil(() => fleet.publishers.filter(({ outcome }) => outcome !== undefined).length === 3, HOUR_MS);
    const outcomes = fleet.publishers.map(({ outcome }) => outcome);
    expect(outcomes.map((outcome) => outcome?.reason)).toEqual(["delivered", "delivered", "delivered"]);
    const sent = outcomes.map((outcome) => outcome?.stats.chunksSent);
    expect(sent, `joined at ${joinedAtMs} ms`).toEqual([CHUNKS, 0, 0]);
  }
});

test("one that joins while links lag behind the rate sends nothing that is on its way", () => {
  for (const joinedAtMs of [100, 500, IMAGE_MS / 2, IMAGE_MS, 2 * IMAGE_MS]) {
    const fleet = new Fleet(2, { network: { devices: { bytesPerSecond: RATE / 4 } } });
    fleet.join(joinedAtMs);
    fleet.world.runUntil(() => fleet.isConfirmed, HOUR_MS);
    expect(fleet.images, `joined at ${joinedAtMs} ms`).toBeLessThanOrEqual(1.2);
  }
});

test("one that joined changes nothing of what the first one sends, and when", () => {
  const sentBy = (fleet: Fleet) =>
    fleet.events.filter(({ type, client }) => type === "publish" && client === "publisher-1");
  for (const loss of [0, 0.02]) {
    const alone = new Fleet(3, { loss });
    alone.world.runUntil(() => alone.isConfirmed, HOUR_MS);
    const joined = new Fleet(3, { loss });
    joined.join(100);
    joined.world.runUntil(() => joined.isConfirmed, HOUR_MS);
    expect(sentBy(joined)).toEqual(sentBy(alone));
    expect(sentBy(alone).length).toBeGreaterThan(CHUNKS);
    const heard = ({ type, topic }: WorldEvent) => type === "deliver" && topic?.endsWith("/chunk") === true;
    expect(alone.events.filter((event) => heard(event) && event.client === "publisher-1")).toEqual([]);
    expect(joined.events.filter((event) => heard(event) && event.client === "publisher-2").length).toBeGreaterThan(0);
  }
});

test("one that joined finishes, at any moment at which the first one is killed", () => {
  for (let part = 0; part <= 10; part++) {
    const fleet = new Fleet(4);
    fleet.join(100);
    fleet.world.schedule(300 + (part * IMAGE_MS) / 8, () => fleet.publishers[0]?.kill());
    fleet.world.runUntil(() => fleet.publishers[1]?.outcome !== undefined, HOUR_MS);
    expect(fleet.publishers[1]?.outcome?.reason, `part ${part}`).toBe("delivered");
    expect(fleet.isConfirmed).toBe(true);
    expect(fleet.images, `part ${part}`).toBeLessThanOrEqual(1.2);
  }
});

test("two that joined and begin at the same moment draw anew, and do not send two images", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const fleet = new Fleet(seed);
    fleet.join(
      100,
      Array.from({ length: 4 }, () => 0.5),
    );
    fleet.join(
      100,
      Array.from({ length: 4 }, () => 0.5),
    );
    fleet.world.schedule(IMAGE_MS / 4, () => fleet.publishers[0]?.kill());
    fleet.world.runUntil(() => fleet.publishers[1]?.outcome !== undefined, HOUR_MS);
    expect(fleet.isConfirmed).toBe(true);
    expect(fleet.images, `seed ${seed}`).toBeLessThanOrEqual(1.3);
  }
});

test("the last of three finishes through kills, broken connections, loss and a broker that forgets", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = createRandom(seed);
    const fleet = new Fleet(seed, { loss: seed % 2 === 0 ? 0.02 : 0 });
    const { world, publishers } = fleet;
    const within = () => random.integer(300, 2 * IMAGE_MS);
    fleet.join(random.integer(100, IMAGE_MS));
    fleet.join(random.integer(100, IMAGE_MS));
    const survivor = random.integer(0, 2);
    for (const index of [0, 1, 2]) {
      if (index !== survivor) world.schedule(IMAGE_MS + within(), () => publishers[index]?.kill());
      world.schedule(within(), () => publishers[index]?.dropConnection(random.integer(100, 5_000)));
    }
    world.schedule(within(), () => world.restartBroker(500, seed % 3 !== 0));
    world.runUntil(() => publishers[survivor]?.outcome !== undefined, HOUR_MS);
    expect(publishers[survivor]?.outcome?.reason, `seed ${seed}`).toBe("delivered");
    expect(fleet.isConfirmed, `seed ${seed}`).toBe(true);
  }
});
