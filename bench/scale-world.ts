/**
 * What a delivery to many devices costs in a simulated world, to compare with `scale-model.ts`.
 *
 * `npx node --conditions=@tinybms/source bench/scale-world.ts --devices 10000 --chunks 16` prints both.
 */

import { parseArgs } from "node:util";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { copyHardware } from "../firmware-sim/src/boot/boot-options.ts";
import { createDevice, createHardware } from "../firmware-sim/src/device/create-device.ts";
import { ContentCache } from "../firmware-sim/src/flash/content-cache.ts";
import { publishImage } from "../firmware-sim/src/simulation/publish-image.ts";
import { World } from "../firmware-sim/src/simulation/world.ts";
import { spreadMsOf } from "../packages/ota-publisher/src/offer-payload.ts";
import { estimateDelivery, type ScaledDelivery, type ScaleEstimate } from "./scale-model.ts";

/** What can be measured of a {@link ScaleEstimate}. */
export type ScaleMeasurement = Pick<ScaleEstimate, "chunks" | "requests" | "reports" | "brokerBytes" | "downloadMs">;

/** Delivers an image in a world without loss, and measures it. */
export function measureDelivery({ devices: count, sizeBytes, rate }: ScaledDelivery): ScaleMeasurement {
  const image = (version: string, size: number) => buildAppImage({ version, sizeBytes: size, seed: size });
  const hardware = createHardware({ app: image("1.0.0", 65_536) });
  hardware.flash.rememberIn(new ContentCache());
  const devices = Array.from({ length: count }, (_, index) =>
    createDevice({ id: `bench-${index}`, hardware: copyHardware(hardware), seed: index + 1 }),
  );
  const measured = { chunks: 0, requests: 0, reports: 0, brokerBytes: 0 };
  let askedAt: number | undefined;
  let lastChunkAt = 0;
  const world = new World({
    seed: 1,
    devices,
    observe: ({ type, client, topic = "", bytes = 0, now }) => {
      const isPublisher = client.startsWith("publisher-");
      if (type === "deliver" && isPublisher && topic.endsWith("/request")) {
        measured.requests++;
        askedAt ??= now;
      }
      if (type === "deliver" && isPublisher && topic.endsWith("/state")) measured.reports++;
      if (!topic.endsWith("/chunk")) return;
      if (type === "publish") {
        measured.chunks++;
        lastChunkAt = now;
      }
      if (type === "deliver") measured.brokerBytes += bytes;
    },
  });
  const topicRoot = "tinybms/gateway/ota";
  const spreadMs = spreadMsOf(count);
  const install = { restart_spread_ms: estimateDelivery({ devices: count, sizeBytes, rate }).restartMs };
  const sender = { rate, spreadMs, expected: { count } };
  const publication = {
    image: image("2.0.0", sizeBytes),
    topicRoot,
    product: "TinyBMS Web Gateway",
    spreadMs,
    install,
  };
  const delivery = world.addPublisher(publishImage({ ...publication, sender }), topicRoot);
  world.runUntil(() => delivery.outcome !== undefined, 36_000_000);
  if (delivery.outcome?.reason !== "delivered") throw new Error(`the delivery ended as ${delivery.outcome?.reason}`);
  return { ...measured, downloadMs: lastChunkAt - (askedAt ?? 0) };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { devices: { type: "string", default: "1000" }, chunks: { type: "string", default: "32" } },
  });
  const delivery = { devices: Number(values.devices), sizeBytes: Number(values.chunks) * 4_096, rate: 65_536 };
  const [model, world] = [estimateDelivery(delivery), measureDelivery(delivery)];
  for (const name of ["chunks", "requests", "reports", "brokerBytes", "downloadMs"] as const) {
    const cells = [model[name], world[name]].map((value) => value.toFixed(0).padStart(14));
    console.log(`${name.padEnd(14)} model ${cells[0]}  world ${cells[1]}  ${(world[name] / model[name]).toFixed(3)}`);
  }
}
