import { sha256, toHex } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import type { RolloutOutcome, RolloutPlan, RolloutRecord } from "@tinybms/ota-core/rollout";
import { expect, test } from "vitest";
import { targetAdmits } from "../../packages/ota-core/src/messages/target.ts";
import { copyHardware } from "../src/boot/boot-options.ts";
import { createDevice, createHardware } from "../src/device/create-device.ts";
import type { SimulatedDevice } from "../src/device/device.ts";
import { ContentCache } from "../src/flash/content-cache.ts";
import { World } from "../src/simulation/world.ts";
import { RolloutPublisher } from "./rollout-publisher.ts";

const TOPIC = "tinybms/gateway/ota";
const HOUR_MS = 3_600_000;
const PLAN: RolloutPlan = {
  ...{ stages: [10, 100, 1000], salt: "5a17", hold: HOUR_MS },
  ...{ abortPermille: 20, abortMin: 3, stageTimeoutMs: HOUR_MS },
};
const IMAGE = buildAppImage({ version: "2.0.0", sizeBytes: 32 * 1024, seed: 2 });

interface Fleet {
  readonly world: World;
  readonly devices: readonly SimulatedDevice[];
  rollout(plan?: Partial<RolloutPlan>, records?: readonly RolloutRecord[]): RolloutPublisher;
}

function createFleet(
  count: number,
  isBad: (index: number) => boolean = () => false,
  joinsAtMs?: ReadonlyMap<string, number>,
): Fleet {
  const hardware = createHardware({ app: buildAppImage({ version: "1.0.0", sizeBytes: 32 * 1024, seed: 1 }) });
  hardware.flash.rememberIn(new ContentCache());
  const devices = Array.from({ length: count }, (_, index) =>
    createDevice({
      id: `bench-${index}`,
      hardware: copyHardware(hardware),
      seed: index + 1,
      selfTests: isBad(index) ? [{ version: "2.0.0", outcome: "fail" }] : [],
    }),
  );
  const traits = new Map([...(joinsAtMs ?? [])].map(([device, at]) => [device, { joinsAtMs: at }]));
  const world = new World({ seed: 1, devices, traits });
  const publication = { image: IMAGE, topicRoot: TOPIC, product: "TinyBMS Web Gateway", spreadMs: 2 * count };
  return {
    world,
    devices,
    rollout: (plan = {}, records = []) =>
      new RolloutPublisher({ ...publication }, toHex(sha256(IMAGE)), { ...PLAN, ...plan }, records),
  };
}

function run(world: World, rollout: RolloutPublisher, limitMs = 24 * HOUR_MS): RolloutOutcome {
  world.addPublisher(rollout, TOPIC);
  world.runUntil(() => rollout.outcome !== undefined, limitMs);
  if (rollout.outcome === undefined) throw new Error("the rollout has no outcome");
  return rollout.outcome;
}

const admits = (device: string, stage: number): boolean =>
  targetAdmits({ rollout: { permille: PLAN.stages[stage] ?? 0, salt: PLAN.salt } }, device);

test("an image whose self-test fails on a tenth of 500 devices stops at the first stage that shows it", () => {
  const { world, devices, rollout } = createFleet(500, (index) => index % 10 === 0);
  const outcome = run(world, rollout());
  expect(outcome).toMatchObject({ reason: "failures", stage: 1 });
  const failed = outcome.devices.filter(({ end }) => end === "failed");
  expect(failed.length).toBeGreaterThanOrEqual(3);
  for (const { device, error } of failed) {
    expect(Number(device.slice(6)) % 10).toBe(0);
    expect(error?.code).toBe("delivery/self-test-failed");
  }
  // Nobody beyond the stage was touched: each runs the old image, and accepted no offer.
  const beyond = devices.filter(({ id }) => !admits(id, 1));
  expect(beyond.length).toBeGreaterThan(400);
  for (const { state } of beyond) expect(state).toBe("idle");
});

test("a good image reaches 1000 devices in three stages, an hour apart", () => {
  const { world, rollout } = createFleet(1_000);
  expect(run(world, rollout())).toMatchObject({ reason: "complete", counts: { confirmed: 1_000, failed: 0 } });
  expect(world.now).toBeGreaterThan(2 * HOUR_MS);
});

test("a device that joins late is updated by the offer that stands; one that is off is not counted as failed", () => {
  const joins = new Map([
    ["bench-3", HOUR_MS],
    ["bench-4", 100 * HOUR_MS],
  ]);
  const { world, devices, rollout } = createFleet(20, () => false, joins);
  const staged = rollout({ stages: [500, 1000], hold: 2 * HOUR_MS, abortMin: 1, abortPermille: 0 });
  const outcome = run(world, staged);
  expect(outcome).toMatchObject({ reason: "complete", counts: { confirmed: 19, failed: 0 } });
  world.runUntil(() => devices.find(({ id }) => id === "bench-4")?.state === "confirmed", 101 * HOUR_MS);
});
