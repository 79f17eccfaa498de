import { DataSubtype, PARTITION_TABLE_OFFSET, type PartitionEntry, PartitionType } from "@tinybms/ota-core";
import type { BootEvent, BootSlot, ResetReason } from "./boot-event.ts";
import { bootLogOf } from "./boot-log.ts";
import { type BootMap, loadBootMap } from "./boot-map.ts";
import type { BootloaderOptions, Hardware } from "./boot-options.ts";
import {
  type BootRun,
  FACTORY_INDEX,
  isSecureVersionAllowed,
  recordFirstBoot,
  type Selection,
  selectBootIndex,
  TEST_APP_INDEX,
} from "./boot-selection.ts";
import type { VerifiedImage } from "./image-verification.ts";
import { verifyImage } from "./verify-image.ts";

/** How a start ended. */
export type BootOutcome =
  | {
      readonly kind: "boots";
      /** What was started. */
      readonly slot: BootSlot;
      readonly partition: PartitionEntry;
      readonly image: VerifiedImage;
      /** The console, line by line. */
      readonly log: readonly string[];
      readonly trace: readonly BootEvent[];
    }
  | {
      readonly kind: "reset-loop";
      /** Why the bootloader resets, again and again: flash is as it was. */
      readonly reason: ResetReason;
      readonly log: readonly string[];
      readonly trace: readonly BootEvent[];
    };

/**
 * Runs the second-stage bootloader from reset to the start of an app: partition table, otadata, the choice of a slot
 * with what has to be written for it, verification, and the fall-back order (`bootloader_start.c`,
 * `bootloader_utility.c`).
 *
 * @param hardware - Flash and eFuses, which it changes as the real one does.
 * @param options - How the bootloader was built.
 * @throws PowerCut where the flash loses power on the way.
 */
export function runBootloader(hardware: Hardware, options: BootloaderOptions = {}): BootOutcome {
  const trace: BootEvent[] = [];
  const note = (event: BootEvent) => {
    trace.push(event);
  };
  const result = boot(hardware, options, note);
  if ("reason" in result) note({ type: "reset", reason: result.reason });
  const log = trace.flatMap(bootLogOf);
  return "reason" in result
    ? { kind: "reset-loop", reason: result.reason, log, trace }
    : { kind: "boots", ...result, log, trace };
}

type Loaded = { readonly slot: BootSlot; readonly partition: PartitionEntry; readonly image: VerifiedImage };
type Stopped = { readonly reason: ResetReason };

function boot(hardware: Hardware, options: BootloaderOptions, note: (event: BootEvent) => void): Loaded | Stopped {
  const table = loadBootMap(hardware.flash, hardware.chip, options.tableOffset ?? PARTITION_TABLE_OFFSET);
  if (table.kind === "rejected") {
    note({ type: "table-rejected", err: table.err, reason: table.reason });
    return { reason: "partition-table-invalid" };
  }
  note({ type: "table-loaded", entries: table.map.entries });
  const run: BootRun = { hardware, options, map: table.map, note };
  const selection = selectWithPins(run);
  return selection.kind === "reset" ? selection : load(run, selection.index, selection.initialContents);
}

/** The choice, with the pins that change it (`bootloader_start.c:selected_boot_partition`). */
function selectWithPins(run: BootRun): Selection {
  const selection = selectBootIndex(run);
  const { factoryReset, testAppPin } = run.options;
  if (selection.kind === "reset") return selection;
  if (factoryReset !== undefined) {
    eraseForFactoryReset(run, factoryReset);
    // The choice was made once already: what it wrote counts as a start of the app that never ran.
    return selectBootIndex(run);
  }
  if (testAppPin !== true) return selection;
  run.note({ type: "selected", slot: "test", reason: "test-pin" });
  if (run.map.test === undefined) return { kind: "reset", reason: "no-test-app" };
  return { kind: "start", index: TEST_APP_INDEX, initialContents: false };
}

function eraseForFactoryReset(run: BootRun, wanted: NonNullable<BootloaderOptions["factoryReset"]>): void {
  const erased = run.map.entries.filter(
    ({ label, type, subtype }) =>
      type === PartitionType.DATA &&
      (wanted.dataPartitions.includes(label) || (wanted.otadata && subtype === DataSubtype.OTA)),
  );
  for (const { offset, size } of erased) run.hardware.flash.eraseRange(offset, size);
  run.note({ type: "factory-reset", erased: erased.map(({ label }) => label) });
}

/** Tries the slots in order until one loads (`bootloader_utility_load_boot_image`). otadata isn't told of a fall-back. */
function load(run: BootRun, start: number, initialContents: boolean): Loaded | Stopped {
  if (start === TEST_APP_INDEX) return tryLoad(run, TEST_APP_INDEX, false) ?? { reason: "test-app-not-bootable" };
  for (const index of fallbackOrder(start, run.map.appCount)) {
    const loaded = tryLoad(run, index, index !== start);
    if (loaded === undefined) continue;
    if (initialContents && index >= 0) recordFirstBoot(run, index);
    return loaded;
  }
  return { reason: "no-bootable-app" };
}

/** From the start down to factory, then up from the start, then test. */
function fallbackOrder(start: number, appCount: number): readonly number[] {
  const order: number[] = [];
  for (let index = start; index >= FACTORY_INDEX; index--) order.push(index);
  for (let index = start + 1; index < appCount; index++) order.push(index);
  return [...order, TEST_APP_INDEX];
}

function tryLoad(run: BootRun, index: number, fallback: boolean): Loaded | undefined {
  const partition = partitionAt(run.map, index);
  if (partition === undefined || partition.size === 0) return undefined;
  const { flash, chip, efuse } = run.hardware;
  const slot = index === FACTORY_INDEX ? "factory" : index === TEST_APP_INDEX ? "test" : index;
  if (!isSecureVersionAllowed(run, partition)) {
    const reason = `no app, or its secure version is less than ${efuse.secureVersion} of the eFuse`;
    run.note({ type: "slot-rejected", slot, partition, err: undefined, reason });
    return undefined;
  }
  const range = { offset: partition.offset, sizeBytes: partition.size };
  const result = verifyImage(flash, range, chip, efuse, {
    environment: "bootloader",
    validate: run.options.skipValidate !== true,
    antiRollback: run.options.antiRollback === true,
  });
  if (result.kind === "invalid") {
    run.note({ type: "slot-rejected", slot, partition, err: result.err, reason: result.reason });
    return undefined;
  }
  run.note({ type: "slot-loaded", slot, fallback, partition, image: result.image });
  return { slot, partition, image: result.image };
}

function partitionAt(map: BootMap, index: number): PartitionEntry | undefined {
  if (index === FACTORY_INDEX) return map.factory;
  if (index === TEST_APP_INDEX) return map.test;
  return index < map.appCount ? map.slots[index] : undefined;
}
