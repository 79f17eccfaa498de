import fc from "fast-check";
import type { DeviceModule } from "../src/index.ts";
import { HELD_OFFERS, KEY_SETS, OFFERS } from "./differential-messages.ts";
import { DifferentialWorld, type ScriptStep } from "./differential-world.ts";

const SLOT_SIZE = 64 * 1024;

const anyStep = fc.oneof(
  { weight: 24, arbitrary: fc.record({ type: fc.constantFrom("answer-flash" as const) }) },
  { weight: 12, arbitrary: fc.record({ type: fc.constantFrom("answer-verify" as const) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constantFrom("connected", "disconnected", "cancel", "lie-verify") }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("fail-flash" as const), espErr: fc.constantFrom(-1, 0x105, 0x1503) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("wrong-flash" as const), operation: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("self-test" as const), passed: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("may-reboot" as const), allowed: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("network" as const),
      status: fc.constantFrom("up" as const, "down" as const, "broker-refused" as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("clock" as const),
      utc: fc.oneof(
        fc.constantFrom(undefined, 0, 253_402_300_799_999, -1),
        fc.integer({ min: Date.UTC(2026, 0, 9, 22), max: Date.UTC(2026, 0, 10, 2) }),
      ),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("timer" as const), index: fc.nat(10) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("any-timer" as const), index: fc.nat(10) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 70_000 }) }) },
  {
    weight: 8,
    arbitrary: fc.record({ type: fc.constant("offer" as const), index: fc.nat(100), retained: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("key-set" as const), index: fc.nat(100), retained: fc.boolean() }),
  },
  { weight: 6, arbitrary: fc.record({ type: fc.constant("hashes" as const), index: fc.nat(11) }) },
  { weight: 16, arbitrary: fc.record({ type: fc.constant("chunk" as const), index: fc.nat(40), fault: fc.nat(16) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("restart" as const),
      clean: fc.boolean(),
      pending: fc.boolean(),
      keepsKeys: fc.boolean(),
    }),
  },
);

/** What differs between deliveries. */
interface Delivery {
  readonly offer: number;
  readonly image: 0 | 1;
  /** What the device knows of the time before the offer, and once the image is verified. */
  readonly utc: number | undefined;
  readonly laterUtc: number | undefined;
  /** The new image reaches the broker. */
  readonly isReachable: boolean;
}

/** A whole delivery, into which chance then mixes its steps. */
function delivery({ offer, image, utc, laterUtc, isReachable }: Delivery): ScriptStep[] {
  const chunks = image === 0 ? 3 : 5;
  const flash = (count: number): ScriptStep[] => Array.from({ length: count }, () => ({ type: "answer-flash" }));
  const timers = (count: number): ScriptStep[] =>
    Array.from({ length: count }, (): ScriptStep[] => [{ type: "timer", index: 0 }, ...flash(1)]).flat();
  const unreached: ScriptStep[] = [{ type: "network", status: "broker-refused" }, ...timers(4)];
  return [
    { type: "clock", utc },
    { type: "connected" },
    { type: "offer", index: offer, retained: true },
    { type: "answer-verify" },
    { type: "answer-verify" },
    { type: "hashes", index: image },
    ...flash(chunks + 2),
    ...Array.from({ length: chunks }, (_, index): ScriptStep[] => {
      const position = index === chunks - 1 ? 0 : index + 1;
      return [{ type: "chunk", index: 2 * position + image, fault: 0 }, ...flash(2)];
    }).flat(),
    ...flash(4),
    { type: "clock", utc: laterUtc },
    ...timers(3),
    { type: "restart", clean: true, pending: true, keepsKeys: true },
    ...(isReachable ? [] : unreached),
    { type: "connected" },
    { type: "self-test", passed: true },
    ...flash(2),
  ];
}

/** Positions of the offers in deliveries that are of the first image. */
const FIRST_IMAGE_OFFERS: readonly (number | undefined)[] = [0, HELD_OFFERS[0], HELD_OFFERS[3]];

const anyUtc = fc.option(fc.integer({ min: Date.UTC(2026, 0, 9, 23, 58), max: Date.UTC(2026, 0, 10, 1) }), {
  nil: undefined,
});

/** Any script: chance alone, or a delivery into which chance mixes its steps. */
export const anyScript = fc.oneof(
  fc.array(anyStep, { minLength: 10, maxLength: 120 }),
  fc
    .record({
      offer: fc.constantFrom(0, 2, 5, ...HELD_OFFERS),
      utc: anyUtc,
      laterUtc: anyUtc,
      isReachable: fc.boolean(),
      inserted: fc.array(fc.record({ at: fc.nat(200), step: anyStep }), { maxLength: 12 }),
    })
    .map(({ inserted, ...delivered }) => {
      const steps = delivery({ ...delivered, image: FIRST_IMAGE_OFFERS.includes(delivered.offer) ? 0 : 1 });
      for (const { at, step } of inserted) steps.splice(at % (steps.length + 1), 0, step as ScriptStep);
      return steps;
    }),
);

/**
 * Runs a script with both machines.
 *
 * @throws Error if they differ, with the events that led there.
 */
export function runBoth(
  script: readonly unknown[],
  options: ConstructorParameters<typeof DifferentialWorld>[0],
  module?: DeviceModule,
): void {
  const world = new DifferentialWorld(options, { offers: OFFERS, keySets: KEY_SETS }, SLOT_SIZE, module);
  try {
    for (const step of script) world.run(step as ScriptStep);
  } catch (error) {
    throw new Error(`${(error as Error).message}\nafter\n${world.log}`, { cause: error });
  } finally {
    world.dispose();
  }
}
