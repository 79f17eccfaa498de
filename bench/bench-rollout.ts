import { sha256, toHex } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import type { RolloutPlan } from "@tinybms/ota-core/rollout";
import { copyHardware } from "../firmware-sim/src/boot/boot-options.ts";
import { createDevice, createHardware } from "../firmware-sim/src/device/create-device.ts";
import { ContentCache } from "../firmware-sim/src/flash/content-cache.ts";
import { World } from "../firmware-sim/src/simulation/world.ts";
import { RolloutPublisher } from "../firmware-sim/test/rollout-publisher.ts";
import { type BenchLine, median } from "./bench-line.ts";

const DEVICES = 1_000;
const ROUNDS = 3;
/** What a rollout in the world may take, in milliseconds. */
const LIMIT_MS = 10_000;
const HOUR_MS = 3_600_000;
const TOPIC = "tinybms/gateway/ota";
const PLAN: RolloutPlan = {
  ...{ stages: [10, 100, 1000], salt: "5a17", hold: HOUR_MS },
  ...{ abortPermille: 20, abortMin: 3, stageTimeoutMs: HOUR_MS },
};

/** Runs a rollout over 1 000 simulated devices, with an hour's hold after each of three stages, in virtual time. */
export async function benchRollout(): Promise<readonly BenchLine[]> {
  const app = buildAppImage({ version: "1.0.0", sizeBytes: 32 * 1024, seed: 1 });
  const image = buildAppImage({ version: "2.0.0", sizeBytes: 32 * 1024, seed: 2 });
  const times: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const startedAt = performance.now();
    rollOut(app, image);
    if (round > 0) times.push(performance.now() - startedAt);
  }
  const ours = median(times);
  const name = `rollout over ${DEVICES} devices in the world, an hour's hold`;
  return [{ name, ours, plain: LIMIT_MS, ratio: ours / LIMIT_MS, limit: 1 }];
}

function rollOut(app: Uint8Array, image: Uint8Array): void {
  const hardware = createHardware({ app });
  hardware.flash.rememberIn(new ContentCache());
  const devices = Array.from({ length: DEVICES }, (_, index) =>
    createDevice({ id: `bench-${index}`, hardware: copyHardware(hardware), seed: index + 1 }),
  );
  const world = new World({ seed: 1, devices });
  const publication = { image, topicRoot: TOPIC, product: "TinyBMS Web Gateway", spreadMs: 2 * DEVICES };
  const rollout = new RolloutPublisher(publication, toHex(sha256(image)), PLAN);
  world.addPublisher(rollout, TOPIC);
  world.runUntil(() => rollout.outcome !== undefined, 24 * HOUR_MS);
  const confirmed = rollout.outcome?.counts.confirmed;
  if (confirmed !== DEVICES) throw new Error(`${confirmed} of ${DEVICES} devices confirmed`);
}
