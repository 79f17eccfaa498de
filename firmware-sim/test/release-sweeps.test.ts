// Power cuts on the releases of ESP-IDF, and on pairs of them: field boards keep the bootloader that they were made with.

import {
  buildAppImage,
  buildOtadataEntry,
  OtaImageState,
  otadataEntry,
  parsePartitionCsv,
} from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { createHardware, type FlashContents } from "../src/device/create-device.ts";
import { IDF_RELEASE_NAMES, type IdfReleaseName, idfRelease } from "../src/idf-release/idf-release.ts";
import { powerCutSweep } from "../src/power-cut/sweep.ts";

const { ABORTED, VALID } = OtaImageState;
const OLD = buildAppImage({ version: "1.0.0", sizeBytes: 8192, seed: 1 });
const UPDATE = buildAppImage({ version: "2.0.0", sizeBytes: 12_000, seed: 2 });
/** An image that was cut short. */
const TORN = UPDATE.slice(0, 5000);
const SLOT_SIZE = 0x10000;
const entry = (sequence: number, state: number) => buildOtadataEntry(otadataEntry(sequence, state));

/** A board with images in its app partitions, and two entries in otadata. */
function board(
  apps: Readonly<Record<string, Uint8Array | undefined>>,
  entries: readonly (Uint8Array | undefined)[],
): FlashContents {
  const offsetOf = (index: number) => 0x10000 + index * SLOT_SIZE;
  const rows = Object.keys(apps).map((name, index) => `${name},app,${name},${offsetOf(index)},${SLOT_SIZE}`);
  const partitionTable = parsePartitionCsv(
    ["nvs,data,nvs,0x9000,0x4000", "otadata,data,ota,0xd000,0x2000", ...rows].join("\n"),
  );
  const { flash } = createHardware({ partitionTable, flashSizeBytes: 2 ** 20 });
  for (const [index, image] of Object.values(apps).entries())
    if (image !== undefined) flash.load(offsetOf(index), image);
  for (const [index, bytes] of entries.entries()) if (bytes !== undefined) flash.load(0xd000 + index * 4096, bytes);
  return { flashDump: flash.dump(), flashSizeBytes: 2 ** 20 };
}

/** Boards whose next update goes another way through otadata. */
const BOARDS = {
  "was never updated": board({ ota_0: OLD, ota_1: undefined }, [entry(1, VALID)]),
  "fell back from the slot that is updated": board({ ota_0: OLD, ota_1: TORN }, [entry(1, VALID), entry(2, VALID)]),
  "runs an image that was given up, and otadata selects the slot that is updated": board({ ota_0: OLD, ota_1: TORN }, [
    entry(1, ABORTED),
    entry(2, VALID),
  ]),
  "fell back to factory": board({ factory: OLD, ota_0: TORN, ota_1: TORN }, [entry(3, VALID), entry(2, VALID)]),
  "has two entries of one sequence": board({ ota_0: OLD, ota_1: TORN }, [entry(2, VALID), entry(2, VALID)]),
} satisfies Record<string, FlashContents>;

function sweep(from: FlashContents, app: IdfReleaseName, bootloader: IdfReleaseName, rollback: [boolean, boolean]) {
  return powerCutSweep({
    from,
    to: UPDATE,
    seed: 1,
    every: 16,
    recoverEvery: 5,
    appBuild: { idf: idfRelease(app), rollback: rollback[0] },
    bootloaderOptions: { idf: idfRelease(bootloader), rollback: rollback[1] },
  });
}

test.for(IDF_RELEASE_NAMES)("power may go anywhere in an update and its roll-back on ESP-IDF %s", (release) => {
  for (const [what, from] of Object.entries(BOARDS)) {
    const result = sweep(from, release, release, [true, true]);
    expect(result.violations, `a board that ${what}`).toEqual([]);
    expect(result.points).toBeGreaterThan(300);
    expect(result.ends.confirmed).toBeGreaterThan(10);
    expect(result.ends.rolledBack).toBeGreaterThan(10);
  }
});

test.for<[bootloader: IdfReleaseName, app: IdfReleaseName]>([
  ["4.4.8", "5.5.5"],
  ["4.4.8", "6.2-dev"],
  ["5.1.7", "6.0.2"],
  ["6.2-dev", "4.4.8"],
])("survives cuts anywhere with a bootloader of ESP-IDF %s and an app of %s", ([bootloader, app]) => {
  const from = BOARDS["fell back from the slot that is updated"];
  expect(sweep(from, app, bootloader, [true, true]).violations).toEqual([]);
});

test.for<[app: boolean, bootloader: boolean]>([
  [false, true],
  [true, false],
  [false, false],
])("survives cuts anywhere with rollback %s in the app and %s in the bootloader", (rollback) => {
  for (const release of ["5.1.7", "6.2-dev"] as const) {
    for (const from of [BOARDS["was never updated"], BOARDS["fell back from the slot that is updated"]]) {
      const result = sweep(from, release, release, rollback);
      expect(result.violations, release).toEqual([]);
      // Nobody but the agent watches the new image.
      expect(result.outcomes.unprotectedBoot).toBeGreaterThan(10);
    }
  }
});
