// fast-check runs random commands on a device in a world and on a small model of what docs/protocol.md promises it.

import { buildOffer, CHUNK_SIZE, sha256, toHex, topicsOf } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { buildEnvelope } from "@tinybms/ota-core/signing";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { SelfTestRule } from "../../src/agent/self-test.ts";
import { createDevice, createHardware } from "../../src/device/create-device.ts";
import type { SimulatedDevice } from "../../src/device/device.ts";
import { eraseCutVariants, programCutVariants } from "../../src/flash/tears.ts";
import { createRandom } from "../../src/random/random.ts";
import { publishImage } from "../../src/simulation/publish-image.ts";
import { World } from "../../src/simulation/world.ts";

const TOPIC_ROOT = "tinybms/gateway/ota";
const PRODUCT = "TinyBMS Web Gateway";
const DEVICE = "bench-1";
const LIMIT_MS = 24 * 3_600_000;

interface Image {
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** Version 1 is what the factory flashes. */
const IMAGES: readonly Image[] = [1, 2, 3, 4].map((version) => {
  const bytes = buildAppImage({ version: `${version}`, sizeBytes: 3 * CHUNK_SIZE - 100, seed: version });
  return { bytes, sha256: toHex(sha256(bytes)) };
});
const imageOf = (version: number): Image => IMAGES[version - 1]!;
const BOARD = createHardware({ app: imageOf(1).bytes, flashSizeBytes: 2 ** 22 });

/** What the protocol promises of one device, offers being settled one after the other. */
interface OfferModel {
  running: number;
  /** The last number given to an offer. */
  sequence: number;
  /** The number of the last offer that the device has heard. */
  accepted: number;
  /** How the last offer has to end; `undefined` without one. */
  end: "confirmed" | "rolled-back" | "idle" | undefined;
}

/** A device and its world. */
class OfferedDevice {
  readonly selfTests: SelfTestRule[] = [];
  readonly device: SimulatedDevice;
  readonly world: World;
  /** The highest sequence that it ever reported. */
  floor = 0;
  /** Power went before anything but otadata's first entry was written. */
  isFirstEntryCut = false;

  constructor(seed: number) {
    const hardware = { flash: BOARD.flash.snapshot(), efuse: BOARD.efuse.copy(), chip: BOARD.chip };
    const { selfTests } = this;
    this.device = createDevice({ id: DEVICE, topicRoot: TOPIC_ROOT, product: PRODUCT, hardware, seed, selfTests });
    this.world = new World({ seed, devices: [this.device] });
  }

  offer(version: number, sequence: number, selfTest: SelfTestRule["outcome"]): void {
    const { bytes, sha256 } = imageOf(version);
    this.selfTests.unshift({ sha256, outcome: selfTest });
    const publication = { image: bytes, topicRoot: TOPIC_ROOT, product: PRODUCT, sequence };
    this.world.addPublisher(publishImage(publication), TOPIC_ROOT);
  }

  withdraw(sequence: number): void {
    const offer = buildOffer({
      offer: 1,
      id: sequence.toString(16).padStart(32, "0"),
      topic_root: TOPIC_ROOT,
      epoch: 1,
      sequence,
      issued_at: "2026-01-01T00:00:00Z",
      release: null,
      chunk_encodings: ["identity"],
      target: "all",
    });
    this.world.broker.publish(topicsOf(TOPIC_ROOT).offer, buildEnvelope(offer), true);
  }

  /** Lets time pass until the offer of a number has come to the end that it must. */
  settle({ accepted, end, running }: OfferModel): void {
    const { device } = this;
    const hasEnded = () => {
      this.watch();
      if (device.status !== "running" || device.report?.accepted[1] !== accepted) return false;
      if (end === "idle") return device.state !== "pending-verify" && device.report.version === `${running}`;
      return device.state === "confirmed" || device.state === "rolled-back" || device.state === "failed";
    };
    this.world.runUntil(hasEnded, LIMIT_MS);
  }

  /** What holds at every moment. */
  watch(): void {
    const { device, floor } = this;
    expect(device.status).not.toBe("reset-loop");
    // What an agent knew that power has ended since was perhaps not stored yet, and was told to nobody.
    if (device.report?.online !== true) return;
    const { accepted, running_sha256 } = device.report;
    expect(accepted[1]).toBeGreaterThanOrEqual(floor);
    this.floor = accepted[1];
    expect(IMAGES.map(({ sha256 }) => sha256)).toContain(running_sha256);
  }
}

function expectPromised(model: OfferModel, real: OfferedDevice): void {
  real.settle(model);
  const { device } = real;
  if (model.end !== "idle") expect(device.state).toBe(model.end);
  expect(device.report).toMatchObject({
    version: `${model.running}`,
    running_sha256: imageOf(model.running).sha256,
    accepted: [1, model.accepted],
  });
  // Of otadata's entries the one that counts is of what runs, confirmed.
  const { otadata, slot } = device.summary();
  const counting = otadata.filter((entry) => entry?.valid === true && entry.state === "valid");
  const active = counting.sort((left, right) => right!.sequence - left!.sequence)[0];
  // Power that went as the bootloader wrote the very first entry leaves none, until an update writes one.
  if (active === undefined) expect(real.isFirstEntryCut).toBe(true);
  expect(slot).toBe(`ota_${((active?.sequence ?? 1) - 1) % 2}`);
}

type Trouble =
  | { readonly kind: "none" }
  | { readonly kind: "power-cut"; readonly operation: number; readonly seed: number }
  | { readonly kind: "broker-gone"; readonly afterSteps: number; readonly backMs: number };

/** Something goes wrong while an offer is under way: the promise stays what it is. */
function makeTrouble(trouble: Trouble, real: OfferedDevice): void {
  const { device, world } = real;
  const { flash } = device.hardware;
  if (trouble.kind === "power-cut") {
    const { operation, seed } = trouble;
    real.isFirstEntryCut ||= device.status === "off" && operation <= 2;
    const moment = (["before", "during", "after"] as const)[seed % 3] ?? "before";
    flash.cutPowerAt({ operation, moment, seed });
  }
  if (trouble.kind === "broker-gone") {
    for (let step = 0; step < trouble.afterSteps; step++) world.step();
    world.dropConnection(DEVICE, trouble.backMs);
  }
}

class Offer implements fc.Command<OfferModel, OfferedDevice> {
  readonly version: number;
  readonly selfTest: "pass" | "fail";
  readonly trouble: Trouble;

  constructor(version: number, selfTest: "pass" | "fail", trouble: Trouble) {
    this.version = version;
    this.selfTest = selfTest;
    this.trouble = trouble;
  }

  check(): boolean {
    return true;
  }

  run(model: OfferModel, real: OfferedDevice): void {
    model.sequence++;
    model.accepted = model.sequence;
    const isInstalled = this.version === model.running;
    model.end = isInstalled || this.selfTest === "pass" ? "confirmed" : "rolled-back";
    if (model.end === "confirmed") model.running = this.version;
    real.offer(this.version, model.sequence, this.selfTest);
    makeTrouble(this.trouble, real);
    expectPromised(model, real);
    real.device.hardware.flash.disarm();
  }

  toString(): string {
    return `offer version ${this.version}, self-test ${this.selfTest}, ${JSON.stringify(this.trouble)}`;
  }
}

/** An offer with a number that was used up: whatever it says, nothing comes of it. */
class OfferStale implements fc.Command<OfferModel, OfferedDevice> {
  readonly version: number;

  constructor(version: number) {
    this.version = version;
  }

  check({ accepted }: Readonly<OfferModel>): boolean {
    return accepted > 1;
  }

  run(model: OfferModel, real: OfferedDevice): void {
    real.offer(this.version, model.accepted - 1, "pass");
    const until = real.world.now + 60_000;
    while (real.world.now < until && real.world.step()) real.watch();
    expectPromised(model, real);
  }

  toString(): string {
    return `offer version ${this.version} under a number of before`;
  }
}

class Withdraw implements fc.Command<OfferModel, OfferedDevice> {
  check({ accepted }: Readonly<OfferModel>): boolean {
    return accepted > 0;
  }

  run(model: OfferModel, real: OfferedDevice): void {
    model.sequence++;
    model.accepted = model.sequence;
    model.end = "idle";
    real.withdraw(model.sequence);
    expectPromised(model, real);
  }

  toString(): string {
    return "withdraw";
  }
}

/** Power goes while nothing is under way. */
class PowerCycle implements fc.Command<OfferModel, OfferedDevice> {
  check({ accepted }: Readonly<OfferModel>): boolean {
    return accepted > 0;
  }

  run(model: OfferModel, real: OfferedDevice): void {
    const { hardware } = real.device;
    const again = createDevice({
      id: DEVICE,
      topicRoot: TOPIC_ROOT,
      product: PRODUCT,
      hardware: { flash: hardware.flash.snapshot(), efuse: hardware.efuse.copy(), chip: hardware.chip },
      selfTests: real.selfTests,
    });
    again.boot(0);
    expect(again.report).toMatchObject({
      version: `${model.running}`,
      running_sha256: imageOf(model.running).sha256,
      accepted: [1, model.accepted],
    });
    expect(again.report?.state).not.toBe("pending-verify");
  }

  toString(): string {
    return "power cycle";
  }
}

/**
 * Whether a cut of this seed leaves cells that read well now and fail later. In the header of a page of NVS they take what
 * the device had accepted with them, which is as if NVS had been wiped: docs/security.md, "What is not protected".
 */
function leavesWeakCells(seed: number): boolean {
  return [eraseCutVariants, programCutVariants].some((variants) =>
    variants[createRandom(seed).integer(0, variants.length - 1)]?.endsWith("-weak"),
  );
}

const trouble: fc.Arbitrary<Trouble> = fc.oneof(
  fc.constant({ kind: "none" } as const),
  fc.record({
    kind: fc.constant("power-cut" as const),
    operation: fc.integer({ min: 1, max: 75 }),
    seed: fc.nat(1000).filter((seed) => !leavesWeakCells(seed)),
  }),
  fc.record({
    kind: fc.constant("broker-gone" as const),
    afterSteps: fc.nat(60),
    // A probation of a minute ends without the broker: that is a failed self-test.
    backMs: fc.constantFrom(10, 2_000, 30_000),
  }),
);
const offer = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom("pass" as const, "pass" as const, "fail" as const), trouble)
  .map((args) => new Offer(...args));
const commands = fc.commands(
  [
    offer,
    offer,
    offer,
    fc.integer({ min: 1, max: 4 }).map((version) => new OfferStale(version)),
    fc.constant(new Withdraw()),
    fc.constant(new PowerCycle()),
  ],
  { maxCommands: 8, size: "max" },
);

test("follows the protocol for any offers and any failures", () => {
  fc.assert(
    fc.property(commands, fc.nat(1000), (all, seed) => {
      const setup = () => ({
        model: { running: 1, sequence: 0, accepted: 0, end: undefined } satisfies OfferModel as OfferModel,
        real: new OfferedDevice(seed),
      });
      fc.modelRun(setup, all);
    }),
    { numRuns: 100 },
  );
});
