import {
  createDevice,
  createHardware,
  type FlashContents,
  powerCutSweep,
  publishImage,
  World,
} from "@tinybms/firmware-sim";
import { buildAppImage, buildOtadataEntry, OtaImageState, otadataEntry } from "@tinybms/ota-core/esp";
import { type BenchLine, compare } from "./bench-line.ts";

const IMAGE_SIZE = 1_286_096;
const ROUNDS = 5;
/** Cuts in a round, spread over the whole update. */
const POINTS = 300;
const PAIRS = 60;
/** A tenth of the cuts is followed to its end, as `power-cut` does it. */
const LIMIT = 0.35;
const TOPIC = "tinybms/gateway/ota";
const PRODUCT = "TinyBMS Web Gateway";

/** Time of a sweep with the receiver in C, against TypeScript's. */
const AGENTS_LIMIT = 1.5;

/**
 * One power cut in a sweep of an update of 1.28 MB, against running that update anew for it, from its beginning; and the
 * same sweep with the receiver in C, against the one in TypeScript.
 */
export async function benchPowerCut(): Promise<readonly BenchLine[]> {
  const from: FlashContents = {
    app: buildAppImage({ version: "1.0.0", sizeBytes: IMAGE_SIZE, seed: 1 }),
    otadata: buildOtadataEntry(otadataEntry(1, OtaImageState.UNDEFINED)),
  };
  const to = buildAppImage({ version: "2.0.0", sizeBytes: IMAGE_SIZE, seed: 2 });
  const ours = async () => {
    const startedAt = performance.now();
    const { points } = powerCutSweep({ from, to, seed: 1, runs: ["update"], points: POINTS });
    return (performance.now() - startedAt) / points;
  };
  const sweep = (agent: "c" | "ts") => async () => {
    const before = process.cpuUsage();
    powerCutSweep({ from, to, seed: 1, points: POINTS, pairs: PAIRS, agent });
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  const hardware = createHardware(from);
  let operation = 0;
  const plain = async () => {
    operation = (operation + 997) % 5_000;
    const startedAt = performance.now();
    const own = { chip: hardware.chip, efuse: hardware.efuse.copy(), flash: hardware.flash.snapshot() };
    const cut = {
      type: "power-cut",
      device: "bench-1",
      operation: operation + 1,
      moment: "during",
      offMs: 500,
    } as const;
    const device = createDevice({ id: "bench-1", topicRoot: TOPIC, product: PRODUCT, hardware: own, faults: [cut] });
    const world = new World({ seed: 1, devices: [device] });
    world.addPublisher(publishImage({ image: to, topicRoot: TOPIC, product: PRODUCT }), TOPIC);
    world.runUntil(() => device.status === "running" && device.state === "confirmed", 86_400_000);
    return performance.now() - startedAt;
  };
  return [
    await compare("one power cut of a sweep, against an update from the beginning", LIMIT, ROUNDS, { ours, plain }),
    await compare("a sweep with the receiver in C, against TypeScript", AGENTS_LIMIT, ROUNDS, {
      ours: sweep("c"),
      plain: sweep("ts"),
    }),
  ];
}
