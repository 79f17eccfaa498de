import { buildAppImage } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { AGENT_KINDS } from "../src/agent/agent-receiver.ts";
import { createDevice } from "../src/device/create-device.ts";
import { publishImage } from "../src/simulation/publish-image.ts";
import { World } from "../src/simulation/world.ts";

const TOPIC_ROOT = "tinybms/gateway/ota";
const PRODUCT = "TinyBMS Web Gateway";
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const CHUNKS = 16;
const OLD = buildAppImage({ version: "1.0.0", sizeBytes: 20_000, seed: 1 });
const NEW = buildAppImage({ version: "2.0.0", sizeBytes: CHUNKS * 4096, seed: 2 });
const NOON = Date.UTC(2026, 2, 1, 12);

type Install = NonNullable<Parameters<typeof publishImage>[0]["install"]>;

/** A world at noon, with a device that knows the time and has downloaded an image, and a publisher that has ended. */
function downloaded(agent: (typeof AGENT_KINDS)[number], install: Install) {
  const device = createDevice({ id: "bench-1", app: OLD, topicRoot: TOPIC_ROOT, product: PRODUCT, agent });
  const world = new World({ seed: 3, devices: [device], utcAtStart: NOON });
  world.runUntil(() => device.report?.clock === true, MINUTE);
  const publication = { image: NEW, topicRoot: TOPIC_ROOT, product: PRODUCT, install };
  const publisher = publishImage({ ...publication, sender: { wait: "downloaded" } });
  const delivery = world.addPublisher(publisher, TOPIC_ROOT);
  world.runUntil(() => delivery.outcome !== undefined, 5 * MINUTE);
  expect(delivery.outcome?.reason).toBe("delivered");
  expect(device.summary()).toMatchObject({ state: "ready-to-reboot", version: "1.0.0" });
  return { device, world };
}

const isConfirmed = ({ device }: ReturnType<typeof downloaded>) => device.state === "confirmed";

test.for(AGENT_KINDS)("downloads at once and restarts at the hour, through a power cut: agent %s", (agent) => {
  const run = downloaded(agent, { install_after: "2026-03-01T14:00:00Z", critical: ["install_after"] });
  const { device, world } = run;
  const useful = device.totals.chunksUseful;
  world.runUntil(() => world.now >= HOUR, 2 * HOUR);
  world.cutPower("bench-1", MINUTE);
  world.runUntil(() => world.isConnected("bench-1") && device.report?.clock === true, 5 * MINUTE);
  world.runUntil(() => device.state === "ready-to-reboot", MINUTE);
  expect(device.summary()).toMatchObject({ version: "1.0.0", bootCount: 2 });
  expect(device.totals.chunksUseful, "nothing is fetched again").toBe(useful);
  world.runUntil(() => isConfirmed(run), 2 * HOUR);
  expect(world.now).toBeGreaterThanOrEqual(2 * HOUR);
  expect(world.now).toBeLessThan(2 * HOUR + MINUTE);
  expect(device.summary()).toMatchObject({ version: "2.0.0", bootCount: 3 });
  expect(device.hardware.flash.violations).toEqual([]);
});

test.for(AGENT_KINDS)("restarts in the night window of its time zone: agent %s", (agent) => {
  // 22:30 to 01:30 in UTC+2 is 20:30 to 23:30 in UTC.
  const between = { start_minute: 1350, minutes: 180, offset_minutes: 120 };
  const run = downloaded(agent, { between, restart_spread_ms: 10 * MINUTE });
  run.world.runUntil(() => isConfirmed(run), 12 * HOUR);
  expect(run.world.now).toBeGreaterThanOrEqual(8.5 * HOUR);
  expect(run.world.now).toBeLessThan(8.75 * HOUR);
});
