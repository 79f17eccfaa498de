// Fifty offers of the past, of several epochs and for different devices, on every topic, to every device, in any order.
import { createHash } from "node:crypto";
import {
  buildChunk,
  buildHashList,
  imageIdOf,
  type OfferDocument,
  parseTopic,
  sha256,
  toHex,
  topicsOf,
} from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { readKeySet, verifySignature } from "@tinybms/ota-core/signing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createDevice, createHardware } from "../src/device/create-device.ts";
import type { SimulatedDevice } from "../src/device/device.ts";
import type { DeviceAction, DeviceEvent } from "../src/device/device-events.ts";
import { ContentCache } from "../src/flash/content-cache.ts";
import { prepareSender } from "../src/simulation/publish-image.ts";
import { createRememberingVerifier } from "../src/simulation/remembering-verifier.ts";
import { createFleetKey, createFleetKeys, signerOf } from "./signed-fleet.ts";

const ROOT = "tinybms/gateway/ota";
const OTHER_ROOT = "tinybms/meter/ota";
const PRODUCT = "TinyBMS Web Gateway";
const DEVICES = ["bench-1", "bench-2", "bench-3"] as const;
const CHUNK = 4096;
/** In the partition table that devices have without another. */
const NVS_OFFSET = 0x9000;
const NVS_SIZE = 0x6000;
const KEYS = createFleetKeys(PRODUCT);
const PROVISIONED = readKeySet(KEYS.keySets[0], verifySignature);
const VERIFY = createRememberingVerifier();

interface Image {
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly hashes: Uint8Array;
  readonly chunks: readonly Uint8Array[];
}

const IMAGES: readonly Image[] = Array.from({ length: 6 }, (_, index) => {
  const bytes = buildAppImage({ version: `${index}`, sizeBytes: 2 * CHUNK - 900, seed: index + 1 });
  const hash = toHex(sha256(bytes));
  const chunks = [0, 1].map((chunk) => {
    const part = bytes.subarray(chunk * CHUNK, (chunk + 1) * CHUNK);
    return buildChunk({ image: imageIdOf(hash), index: chunk, bytes: part });
  });
  return { bytes, sha256: hash, hashes: buildHashList(bytes), chunks };
});
const BY_ID = new Map(IMAGES.map((image) => [imageIdOf(image.sha256), image]));
const BOARD = createHardware({ app: IMAGES[0]!.bytes, flashSizeBytes: 2 ** 22 });
BOARD.flash.rememberIn(new ContentCache());

/** An offer of the past. */
interface Past {
  readonly epoch: number;
  readonly sequence: number;
  readonly image: Image;
  readonly topicRoot: string;
  readonly target: OfferDocument["target"];
  readonly isForged: boolean;
  readonly envelope: Uint8Array;
}

const TARGETS: readonly OfferDocument["target"][] = [
  "all",
  { devices: ["bench-1"] },
  { devices: ["bench-2", "bench-3"] },
  { rollout: { permille: 400, salt: "00ff" } },
  { rollout: { permille: 700, salt: "beef" } },
  { devices: ["bench-9"] },
];

/** In each epoch sixteen offers, of which some are for another product's topic, two share a number, and one is forged. */
const PAST: readonly Past[] = [1, 2, 3].flatMap((epoch) =>
  Array.from({ length: epoch === 3 ? 18 : 16 }, (_, index) => {
    const sequence = index === 7 ? 6 : index + 1;
    const isForged = index === 12;
    const image = IMAGES[1 + ((index * 7 + epoch) % (IMAGES.length - 1))]!;
    const topicRoot = index % 5 === 4 ? OTHER_ROOT : ROOT;
    const target = TARGETS[(index + epoch) % TARGETS.length]!;
    const honest = epoch === 1 ? KEYS.offer : KEYS.nextOffer;
    const sign = signerOf({ release: KEYS.release, offer: isForged ? createFleetKey() : honest });
    const publication = { image: image.bytes, topicRoot, product: PRODUCT, epoch, sequence, target, sign };
    const envelope = prepareSender(publication).offerEnvelope;
    return { epoch, sequence, image, topicRoot, target, isForged, envelope };
  }),
);

/** Whom an offer is for, told without the code that is held to it. */
function isFor({ target, topicRoot }: Past, device: string): boolean {
  if (topicRoot !== ROOT) return false;
  if (target === "all") return true;
  if ("devices" in target) return target.devices.includes(device);
  const { permille, salt } = target.rollout;
  const hash = createHash("sha256").update(Buffer.from(salt, "hex")).update(device).digest();
  return hash.readUInt32BE(0) % 1000 < permille;
}

/** A device that is given at once whatever it asks for, and confirms what it starts. */
class ServedDevice {
  readonly device: SimulatedDevice;
  readonly installs: {
    readonly accepted: readonly [number, number];
    readonly keySet: number;
    readonly sha256: string;
  }[] = [];
  now = 0;
  #accepted: readonly [number, number] = [0, 0];
  #keySet = 0;

  constructor(id: string, seed: number) {
    const hardware = { flash: BOARD.flash.snapshot(), efuse: BOARD.efuse.copy(), chip: BOARD.chip };
    const options = { topicRoot: ROOT, product: PRODUCT, keySet: PROVISIONED, verify: VERIFY, seed };
    this.device = createDevice({ id, hardware, ...options });
    this.start();
  }

  start(): void {
    this.device.boot(this.now);
    this.#look();
    this.#do({ type: "connected", now: this.now });
  }

  /** Somebody erases NVS: what the device had accepted is forgotten. */
  wipe(): void {
    this.device.hardware.flash.load(NVS_OFFSET, new Uint8Array(NVS_SIZE).fill(0xff));
    this.#accepted = [0, 0];
    this.#keySet = 0;
    this.start();
  }

  tell(topic: string, payload: Uint8Array): void {
    this.#do({ type: "message", now: this.now, topic, payload, retained: true });
  }

  /** Handles an event and all that follows from it. */
  #do(event: DeviceEvent): void {
    const events: DeviceEvent[] = [event];
    for (let next = events.shift(); next !== undefined; next = events.shift()) {
      const actions = this.device.handle(next);
      this.#look();
      if (actions.some(({ type }) => type === "reset")) return this.start();
      for (const action of actions) events.push(...this.#answer(action));
    }
  }

  *#answer(action: DeviceAction): Generator<DeviceEvent> {
    const { now } = this;
    if (action.type === "set-timer" && action.timer === "self-test") yield { type: "timer", now, timer: action.timer };
    if (action.type === "subscribe") {
      const parsed = parseTopic(ROOT, action.topic);
      const image = parsed?.kind === "hashes" ? BY_ID.get(parsed.image) : undefined;
      if (image !== undefined)
        yield { type: "message", now, topic: action.topic, payload: image.hashes, retained: true };
    }
    if (action.type === "publish" && action.topic.endsWith("/request")) {
      const id = (JSON.parse(new TextDecoder().decode(action.payload)) as { image: string }).image;
      const topic = topicsOf(ROOT).imageChunk(id);
      for (const payload of [...(BY_ID.get(id)?.chunks ?? [])].reverse())
        yield { type: "message", now, topic, payload, retained: false };
    }
  }

  /** What never decreases has not, and a start of a new image is noted with what it was accepted under. */
  #look(): void {
    const { report } = this.device;
    if (report?.online !== true) return;
    const { accepted, key_set: keySet = 0, state, running_sha256: running } = report;
    const [epoch, sequence] = accepted;
    expect(epoch * 2 ** 32 + sequence).toBeGreaterThanOrEqual(this.#accepted[0] * 2 ** 32 + this.#accepted[1]);
    expect(keySet).toBeGreaterThanOrEqual(this.#keySet);
    this.#accepted = [epoch, sequence];
    this.#keySet = keySet;
    const last = this.installs.at(-1);
    if (state !== "pending-verify" || (last?.sha256 === running && last.accepted[1] === sequence)) return;
    this.installs.push({ accepted: [epoch, sequence], keySet, sha256: running });
  }
}

const MESSAGES: readonly (readonly [topic: string, payload: Uint8Array])[] = [
  ...PAST.flatMap(({ envelope }) =>
    [ROOT, OTHER_ROOT]
      .flatMap((root) => [topicsOf(root).offer, ...DEVICES.map((device) => topicsOf(root).deviceOffer(device))])
      .map((topic) => [topic, envelope] as const),
  ),
  ...KEYS.keySets.flatMap((keySet, index) =>
    Array.from({ length: 4 }, () => [topicsOf(ROOT).keys(index + 1), keySet] as const),
  ),
];

/** Each install is of an authentic offer that is for the device, of the epoch that it was in. */
function expectMeantFor(id: string, { installs }: ServedDevice): void {
  for (const { accepted, keySet, sha256: running } of installs) {
    const [epoch, sequence] = accepted;
    expect(epoch).toBe(keySet);
    const offers = PAST.filter((past) => past.epoch === epoch && past.sequence === sequence && !past.isForged);
    expect(offers.some((past) => past.image.sha256 === running && isFor(past, id))).toBe(true);
  }
}

const shuffled = fc.shuffledSubarray([...MESSAGES], { minLength: MESSAGES.length });
const pauses = fc.array(fc.integer({ min: 0, max: 15_000 }), { minLength: 20, maxLength: 20 });

test("installs each applicable offer once out of fifty in any order on all topics", () => {
  expect(PAST).toHaveLength(50);
  let installs = 0;
  fc.assert(
    fc.property(shuffled, pauses, fc.nat(1_000), (messages, waits, seed) => {
      for (const id of DEVICES) {
        const served = new ServedDevice(id, seed);
        for (const [index, [topic, payload]] of messages.entries()) {
          served.now += waits[index % waits.length]!;
          served.tell(topic, payload);
        }
        const numbers = served.installs.map(({ accepted }) => accepted.join("/"));
        expect(new Set(numbers).size, "one install for each number").toBe(numbers.length);
        expectMeantFor(id, served);
        expect(served.device.hardware.flash.violations).toEqual([]);
        installs += numbers.length;

        // Whatever came before: the latest offer for it, under the last key set, gets through.
        for (const [index, keySet] of KEYS.keySets.entries()) served.tell(topicsOf(ROOT).keys(index + 1), keySet);
        const latest = PAST.findLast((past) => past.epoch === 3 && !past.isForged && isFor(past, id))!;
        served.now += 120_000;
        served.tell(topicsOf(ROOT).offer, latest.envelope);
        expect(served.device.report).toMatchObject({ state: "confirmed", running_sha256: latest.image.sha256 });
      }
    }),
    { numRuns: 40 },
  );
  expect(installs, "there was something to install").toBeGreaterThan(200);
});

test("does no flash operation for a flood of forgeries", () => {
  const served = new ServedDevice("bench-1", 1);
  const stranger = createFleetKey();
  const sign = signerOf({ release: stranger, offer: stranger });
  const { bytes } = IMAGES[1]!;
  const before = { ...served.device.hardware.flash.counters };
  for (let sequence = 1; sequence <= 500; sequence++) {
    served.now += 100;
    const publication = { image: bytes, topicRoot: ROOT, product: PRODUCT, sequence, sign };
    const { offerEnvelope } = prepareSender(publication);
    for (const topic of [topicsOf(ROOT).offer, topicsOf(ROOT).keys(2)]) served.tell(topic, offerEnvelope);
  }
  expect(served.device.hardware.flash.counters).toEqual(before);
  expect(served.device.report).toMatchObject({ state: "idle", accepted: [0, 0], key_set: 1 });
});

test("installs only applicable offers even if NVS is wiped repeatedly", () => {
  let installs = 0;
  fc.assert(
    fc.property(shuffled, pauses, fc.nat(1_000), (messages, waits, seed) => {
      const id = DEVICES[seed % DEVICES.length]!;
      const served = new ServedDevice(id, seed);
      for (const [index, [topic, payload]] of messages.entries()) {
        served.now += waits[index % waits.length]!;
        if (index % 60 === 59) served.wipe();
        served.tell(topic, payload);
      }
      expectMeantFor(id, served);
      installs += served.installs.length;
    }),
    { numRuns: 20 },
  );
  expect(installs).toBeGreaterThan(100);
});
