import type { DeliveryOutcome } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { copyHardware } from "../src/boot/boot-options.ts";
import { createDevice, createHardware } from "../src/device/create-device.ts";
import { parseFault } from "../src/fault/parse-fault.ts";
import { ContentCache } from "../src/flash/content-cache.ts";
import type { NetworkOptions } from "../src/simulation/network-options.ts";
import { publishImage } from "../src/simulation/publish-image.ts";
import { World } from "../src/simulation/world.ts";

/** Rate of the publisher, in bytes per second. */
export const RATE = 65_536;
/** Size of a chunk, in bytes. */
export const CHUNK = 4_096;

/** A fleet, and the size of the image for it. */
export interface WorldFleet {
  readonly count: number;
  readonly chunks: number;
  /** Share of chunks that each device loses. */
  readonly loss?: number;
  readonly network?: NetworkOptions;
  /** Bytes per second; 0 means no limit. @defaultValue {@link RATE} */
  readonly rate?: number;
}

/** A delivery in a simulated world. */
export interface WorldDelivery {
  /** Images sent. */
  readonly images: number;
  readonly outcome: DeliveryOutcome;
  /** Virtual time until the outcome, in milliseconds. */
  readonly ms: number;
}

/** Delivers an image to a fleet in a simulated world. */
export function deliverInWorld({ count, chunks, loss = 0, network, rate = RATE }: WorldFleet): WorldDelivery {
  const image = (version: string, size: number) => buildAppImage({ version, sizeBytes: size * CHUNK, seed: size });
  const hardware = createHardware({ app: image("1.0.0", 16) });
  hardware.flash.rememberIn(new ContentCache());
  const devices = Array.from({ length: count }, (_, index) =>
    createDevice({ id: `bench-${index}`, hardware: copyHardware(hardware), seed: index + 1 }),
  );
  const faults = loss === 0 ? [] : [parseFault(`*:lose=chunk,probability=${loss}`)];
  const world = new World({ seed: 1, devices, faults, network });
  const publication = {
    image: image("2.0.0", chunks),
    topicRoot: "tinybms/gateway/ota",
    product: "TinyBMS Web Gateway",
  };
  const spreadMs = 2 * count;
  const sender = { rate, spreadMs, expected: { count } };
  const delivery = world.addPublisher(publishImage({ ...publication, spreadMs, sender }), publication.topicRoot);
  world.runUntil(() => delivery.outcome !== undefined, 3_600_000);
  const { outcome } = delivery;
  if (outcome === undefined) throw new Error("the delivery has no outcome");
  return { images: outcome.stats.chunksSent / chunks, outcome, ms: world.now };
}
