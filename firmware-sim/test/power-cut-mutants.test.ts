// Bugs planted in the agent and in the calls under it: a sweep that finds nothing wrong with them would be worth nothing.

import { sha256, toHex } from "@tinybms/ota-core";
import {
  buildAppImage,
  buildOtadataEntry,
  OtaImageState,
  otadataEntry,
  parsePartitionCsv,
} from "@tinybms/ota-core/esp";
import { expect, test, vi } from "vitest";
import type { StoredText as StoredTextClass } from "../src/agent/stored-text.ts";
import { createHardware, type FlashContents } from "../src/device/create-device.ts";
import type { AppContext, EspPartition } from "../src/esp-idf/app-context.ts";
import { idfRelease } from "../src/idf-release/idf-release.ts";
import type { Invariant } from "../src/power-cut/invariant.ts";
import { parsePoint } from "../src/power-cut/point-name.ts";
import { replayPoint } from "../src/power-cut/replay.ts";
import { powerCutSweep } from "../src/power-cut/sweep.ts";
import type { SweepOptions } from "../src/power-cut/sweep-options.ts";
import { sweptTrust } from "./signed-fleet.ts";

const { ABORTED, NEW, VALID } = OtaImageState;
const OLD_IMAGE = buildAppImage({ version: "1.0.0", sizeBytes: 8192, seed: 1 });
const NEW_IMAGE = buildAppImage({ version: "2.0.0", sizeBytes: 12_000, seed: 2 });
const SLOT_SIZE = 0x10000;

type Module = Record<string, unknown>;
type Call = (...args: unknown[]) => unknown;

interface Mutant {
  readonly bug: string;
  /** The module it is in, and what becomes of it. */
  readonly module: string;
  readonly mutate: (original: Module) => Promise<Module>;
  readonly board: FlashContents;
  readonly sweep?: Partial<SweepOptions>;
  readonly breaks: Invariant;
}

/** A board of some OTA slots with the images and otadata entries given. */
function board(
  slots: readonly (Uint8Array | undefined)[],
  entries: readonly (Uint8Array | undefined)[],
): FlashContents {
  const rows = slots.map((_, index) => `ota_${index},app,ota_${index},${0x10000 + index * SLOT_SIZE},${SLOT_SIZE}`);
  const partitionTable = parsePartitionCsv(
    ["nvs,data,nvs,0x9000,0x4000", "otadata,data,ota,0xd000,0x2000", ...rows].join("\n"),
  );
  const { flash } = createHardware({ partitionTable, flashSizeBytes: 2 ** 20 });
  for (const [index, image] of slots.entries()) if (image !== undefined) flash.load(0x10000 + index * SLOT_SIZE, image);
  for (const [index, entry] of entries.entries()) if (entry !== undefined) flash.load(0xd000 + index * 4096, entry);
  return { flashDump: flash.dump(), flashSizeBytes: 2 ** 20 };
}

const entry = (sequence: number, state: number) => buildOtadataEntry(otadataEntry(sequence, state));
const FRESH = board([OLD_IMAGE, undefined], [entry(1, VALID)]);
/** It has had an update before: the next one goes back to ota_0. */
const UPDATED_ONCE = board(
  [OLD_IMAGE, buildAppImage({ version: "1.1.0", sizeBytes: 8192, seed: 3 })],
  [entry(1, VALID), entry(2, VALID)],
);
/** otadata selects ota_2, where nothing is: the bootloader falls back to ota_0, and the next update goes to ota_1. */
const FALLEN_BACK = board([OLD_IMAGE, undefined, undefined], [entry(1, VALID), entry(3, VALID)]);

/** otadata selects ota_1, whose image is cut short: ota_0 runs, and the next update goes to ota_1. */
const FALLEN_BACK_FROM_TARGET = board([OLD_IMAGE, NEW_IMAGE.slice(0, 5000)], [entry(1, VALID), entry(2, VALID)]);

const MUTANTS: readonly Mutant[] = [
  {
    bug: "the boot partition is set before the image is verified",
    module: "../src/agent/flash-operation.ts",
    board: FRESH,
    breaks: "verified-first",
    mutate: async (original) => {
      const select = await selector();
      const carryOut = original.carryOutFlashAction as Call;
      return {
        ...original,
        carryOutFlashAction: (app: AppContext, target: EspPartition, action: { type: string; offset?: number }) => {
          if (action.type === "set-boot-partition") return { ok: true, result: { operation: action.type } };
          const answer = carryOut(app, target, action);
          if (action.type === "erase-sector" && action.offset === 4096) select(app, target);
          return answer;
        },
      };
    },
  },
  {
    bug: "both otadata sectors are erased before one is written",
    module: "../src/esp-idf/ota-select.ts",
    board: UPDATED_ONCE,
    breaks: "probation",
    mutate: async (original) => ({
      ...original,
      rewriteEntry: (...args: unknown[]) => {
        const [app, select] = args;
        for (const sector of [0, 1]) (original.eraseEntry as Call)(app, select, sector);
        return (original.rewriteEntry as Call)(...args);
      },
    }),
  },
  {
    bug: "the image is not read back from flash",
    module: "../src/agent/flash-operation.ts",
    board: FRESH,
    sweep: { runs: ["update"], every: 1_000, wornSectors: 1 },
    breaks: "verified-first",
    mutate: async (original) => {
      const select = await selector();
      const carryOut = original.carryOutFlashAction as Call;
      const storedSha256 = toHex(sha256(NEW_IMAGE));
      const image = { chipId: 0, secureVersion: 0, projectName: "app", sha256: storedSha256 };
      return {
        ...original,
        carryOutFlashAction: (app: AppContext, target: EspPartition, action: { type: string }) => {
          if (action.type === "set-boot-partition") select(app, target);
          const isSkipped = ["verify-image", "set-boot-partition"].includes(action.type);
          if (!isSkipped) return carryOut(app, target, action);
          return { ok: true, result: { operation: action.type, storedSha256, image } };
        },
      };
    },
  },
  {
    bug: "the image is confirmed before its self-test",
    module: "../src/agent/agent-storage.ts",
    board: FRESH,
    breaks: "probation",
    mutate: async (original) => {
      const { esp_ota_mark_app_valid_cancel_rollback: confirm } = await import("../src/esp-idf/esp-ota-rollback.ts");
      return {
        ...original,
        openAgentStorage: (app: AppContext) => {
          confirm(app);
          return (original.openAgentStorage as Call)(app);
        },
      };
    },
  },
  {
    bug: "a key set is written over the one before",
    module: "../src/agent/stored-text.ts",
    board: FRESH,
    sweep: { runs: ["update"], trust: sweptTrust(NEW_IMAGE) },
    breaks: "key-set",
    mutate: async (original) => {
      const { StoredText } = original as { StoredText: typeof StoredTextClass };
      class Mutant extends StoredText<unknown> {
        override store(value: unknown, text: string, isWritten: () => number): number {
          for (let turn = 0; turn < 2; turn++) super.store(value, "", isWritten);
          return super.store(value, text, isWritten);
        }
      }
      return { ...original, StoredText: Mutant };
    },
  },
  {
    bug: "after a fall-back the entry of the slot that failed is kept instead of that of the slot that runs",
    module: "../src/agent/boot-selection-repair.ts",
    board: FALLEN_BACK,
    breaks: "rolled-back",
    mutate: async (original) => ({ ...original, repairBootSelection: () => undefined }),
  },
  ...(["5.1.7", "5.5.5"] as const).map(
    (release): Mutant => ({
      bug: `the slot that is active is set to boot on ESP-IDF ${release}`,
      module: "../src/agent/boot-selection-repair.ts",
      board: FALLEN_BACK_FROM_TARGET,
      sweep: { appBuild: { idf: idfRelease(release) } },
      breaks: "rolled-back",
      mutate: async (original) => ({
        ...original,
        repairBootSelection: () => undefined,
        deselectTarget: () => 0,
        recordRunningAnew: () => 0,
      }),
    }),
  ),
  {
    bug: "a slot is overwritten while otadata selects it",
    module: "../src/agent/boot-selection-repair.ts",
    board: board([OLD_IMAGE, NEW_IMAGE.slice(0, 5000)], [entry(1, ABORTED), entry(2, VALID)]),
    breaks: "probation",
    mutate: async (original) => ({ ...original, deselectTarget: () => 0 }),
  },
];

/** `esp_ota_set_boot_partition` without its verification. */
async function selector(): Promise<(app: AppContext, target: EspPartition) => void> {
  const { nextSequence, otherEntry, readOtaSelect, rewriteEntry } = await import("../src/esp-idf/ota-select.ts");
  return (app, target) => {
    const select = readOtaSelect(app);
    if (select?.active === undefined) throw new Error("no entry is active");
    const sequence = nextSequence(select.entries[select.active].sequence, target.subtype & 0x0f, select.slotCount);
    rewriteEntry(app, select, otherEntry(select.active), { sequence, state: NEW });
  };
}

test.for(MUTANTS)("the sweep finds it where $bug, and the point it names shows it again", async (mutant) => {
  const options: SweepOptions = { from: mutant.board, to: NEW_IMAGE, seed: 1, variants: "one", ...mutant.sweep };
  expect(powerCutSweep(options).violations, "without the bug").toEqual([]);

  vi.resetModules();
  vi.doMock(mutant.module, async (importOriginal) => mutant.mutate(await importOriginal<Module>()));
  const mutated = {
    ...(await import("../src/power-cut/sweep.ts")),
    ...(await import("../src/power-cut/replay.ts")),
  };
  const found = mutated.powerCutSweep(options).violations.find(({ invariant }) => invariant === mutant.breaks);
  expect(found).toBeDefined();
  const point = parsePoint(found?.point ?? "");
  const invariants = mutated.replayPoint(options, point).breaches.map(({ invariant }) => invariant);
  expect(invariants).toContain(mutant.breaks);
  vi.doUnmock(mutant.module);

  expect(replayPoint(options, point).breaches, "the same point without the bug").toEqual([]);
});
