// A device fell back from the slot that otadata selects, and is updated into that same slot. Before 6.0,
// esp_ota_set_boot_partition of the slot that is active writes the other otadata sector with the same sequence.

import { sha256, toHex } from "@tinybms/ota-core";
import { buildAppImage, OtaImageState } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import type { Hardware } from "../src/boot/boot-options.ts";
import { createDevice } from "../src/device/create-device.ts";
import { esp_https_ota } from "../src/esp-idf/esp-https-ota.ts";
import { type IdfReleaseName, idfRelease } from "../src/idf-release/idf-release.ts";
import { publishImage } from "../src/simulation/publish-image.ts";
import { World } from "../src/simulation/world.ts";
import { board, bootOf, entry, otadataOf, start } from "./board-spec.ts";

const { VALID } = OtaImageState;
const TOPIC_ROOT = "tinybms/gateway/ota";
const PRODUCT = "TinyBMS Web Gateway";
const UPDATE = buildAppImage({ version: "2.0.0", sizeBytes: 12_000, seed: 2 });

/** Releases in which the call leaves no way back. */
const DANGEROUS: readonly IdfReleaseName[] = ["4.4.8", "5.1.7", "5.3.5", "5.5.1", "5.5.5"];

/** It runs ota_0, since the image in ota_1 that otadata selects is corrupt. */
function fallenBack(): Hardware {
  const hardware = board({ otadata: [entry(1, VALID), entry(2, VALID)], corrupt: [1] });
  expect(bootOf(hardware)).toBe(0);
  return hardware;
}

test.for(DANGEROUS)("without the agent's remedy a board on ESP-IDF %s never leaves an image that fails", (name) => {
  const hardware = fallenBack();
  const app = start(hardware, {}, { idf: idfRelease(name) });
  expect(esp_https_ota(app, { status: 200, body: UPDATE })).toBe(0);
  expect(otadataOf(hardware)).toEqual(["2:new", "2:valid"]);
  // It is never confirmed, and starts all the same at every reset: the entry of the image before is gone.
  expect([bootOf(hardware), bootOf(hardware), bootOf(hardware), bootOf(hardware)]).toEqual([1, 1, 1, 1]);
  expect(otadataOf(hardware)).toEqual(["2:aborted", "2:valid"]);
});

test("keeps the previous image with the same calls on ESP-IDF 6.0.2", () => {
  const hardware = fallenBack();
  const app = start(hardware, {}, { idf: idfRelease("6.0.2") });
  expect(esp_https_ota(app, { status: 200, body: UPDATE })).toBe(0);
  expect(otadataOf(hardware)).toEqual(["1:valid", "2:new"]);
  expect([bootOf(hardware), bootOf(hardware), bootOf(hardware)]).toEqual([1, 0, 0]);
});

test.for([...DANGEROUS, "6.0.2", "6.2-dev"] as const)(
  "the agent brings the image before back on ESP-IDF %s, where the update fails its self-test or hangs",
  (name) => {
    for (const outcome of ["fail", "hang"] as const) {
      const hardware = fallenBack();
      const device = createDevice({
        id: "bench-1",
        topicRoot: TOPIC_ROOT,
        product: PRODUCT,
        hardware,
        appBuild: { idf: idfRelease(name) },
        selfTests: [{ sha256: toHex(sha256(UPDATE)), outcome }],
      });
      const world = new World({ seed: 1, devices: [device] });
      world.addPublisher(publishImage({ image: UPDATE, topicRoot: TOPIC_ROOT, product: PRODUCT }), TOPIC_ROOT);
      const end = outcome === "fail" ? "rolled-back" : "pending-verify";
      world.runUntil(() => device.status === "running" && device.state === end, 600_000);
      // A watchdog bites, or somebody pulls the plug.
      expect([bootOf(hardware), bootOf(hardware)]).toEqual([0, 0]);
    }
  },
);
