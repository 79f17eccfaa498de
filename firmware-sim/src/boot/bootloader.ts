import {
  AppSubtype,
  DataSubtype,
  PARTITION_TABLE_OFFSET,
  type PartitionEntry,
  PartitionType,
} from "@tinybms/ota-core/esp";
import { idfRelease } from "../idf-release/idf-release.ts";
import type { BootEvent, BootSlot, ResetReason } from "./boot-event.ts";
import { bootLogOf, LAST_BOOT_LOG_LINE } from "./boot-log-lines.ts";
import { type BootMap, flashSizeOf, loadBootMap } from "./boot-map.ts";
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
import { flashViewOf } from "./flash-view.ts";
import type { ImageVerification, PartitionRange, VerifiedImage } from "./image-verification.ts";
import { bootloaderPolicy } from "./secure-boot-v2.ts";
import { verifyImage } from "./verify-image.ts";

/** Result of a run of the bootloader. */
export type BootOutcome =
  | {
      readonly kind: "boots";
      /** The slot that was started. */
      readonly slot: BootSlot;
      readonly partition: PartitionEntry;
      readonly image: VerifiedImage;
      /** Console output, by line. Built anew at each access. */
      readonly log: readonly string[];
      readonly trace: readonly BootEvent[];
    }
  | {
      readonly kind: "reset-loop";
      /** Reason for the endless resets. They don't change flash. */
      readonly reason: ResetReason;
      readonly log: readonly string[];
      readonly trace: readonly BootEvent[];
    };

/**
 * Runs the second-stage bootloader from reset to the start of an app: partition table, selection of a slot with the
 * updates of otadata, verification, and fallback (`bootloader_start.c`, `bootloader_utility.c`).
 *
 * @param hardware - Flash and eFuses, which change as on a real board.
 * @param options - Build options of the bootloader.
 * @throws {@link PowerCut} if the flash loses power.
 */
export function runBootloader(hardware: Hardware, options: BootloaderOptions = {}): BootOutcome {
  const trace: BootEvent[] = [];
  const note = (event: BootEvent) => {
    trace.push(event);
  };
  const result = boot(hardware, options, note);
  if ("reason" in result) note({ type: "reset", reason: result.reason });
  // A device keeps its outcome, and few callers read the lines: they are built when they are read.
  return "reason" in result
    ? {
        kind: "reset-loop",
        reason: result.reason,
        trace,
        get log() {
          return trace.flatMap(bootLogOf);
        },
      }
    : {
        kind: "boots",
        ...result,
        trace,
        get log() {
          return [...trace.flatMap(bootLogOf), LAST_BOOT_LOG_LINE];
        },
      };
}

type Loaded = { readonly slot: BootSlot; readonly partition: PartitionEntry; readonly image: VerifiedImage };
type Stopped = { readonly reason: ResetReason };

function boot(hardware: Hardware, options: BootloaderOptions, note: (event: BootEvent) => void): Loaded | Stopped {
  const { chip, efuse } = hardware;
  const flash = flashViewOf(hardware);
  const { chipRevision } = efuse;
  note({ type: "started", chip: chip.name, chipRevision, flashSizeBytes: flashSizeOf(flash, chip) });
  const table = loadBootMap(flash, chip, options.tableOffset ?? PARTITION_TABLE_OFFSET);
  const woken = table.kind === "loaded" ? loadRetained({ hardware, options, map: table.map, flash, note }) : undefined;
  if (woken !== undefined) return woken;
  if (table.kind === "rejected") {
    note({ type: "table-rejected", err: table.err, reason: table.reason });
    return { reason: "partition-table-invalid" };
  }
  note({ type: "table-loaded", entries: table.map.entries });
  const run: BootRun = { hardware, options, map: table.map, flash, note };
  const selection = selectWithPins(run);
  return selection.kind === "reset" ? selection : load(run, selection.index, selection.initialContents);
}

/** Selects a slot, including the pins that change the selection (`bootloader_start.c:selected_boot_partition`). */
function selectWithPins(run: BootRun): Selection {
  const selection = selectBootIndex(run);
  const { factoryReset, testAppPin, resetReason } = run.options;
  if (selection.kind === "reset" || resetReason === "deep-sleep") return selection;
  if (factoryReset !== undefined) {
    eraseForFactoryReset(run, factoryReset);
    // The first selection already updated otadata, and this counts as a start of an app that never ran.
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
  for (const { offset, size } of erased) run.flash.eraseRange(offset, size);
  run.note({ type: "factory-reset", erased: erased.map(({ label }) => label) });
}

/**
 * Loads the app in RTC memory, if there is one (`bootloader_utility_load_boot_image_from_deep_sleep`). The device does
 * not read the partition table here; the simulator uses it only to name the slot.
 */
function loadRetained(run: BootRun): Loaded | undefined {
  const { skipValidateInDeepSleep, resetReason, retained } = run.options;
  if (skipValidateInDeepSleep !== true || resetReason !== "deep-sleep") return undefined;
  const partition = run.map.entries.find(
    ({ type, offset }) => type === PartitionType.APP && offset === retained?.offset,
  );
  const result = retained === undefined ? undefined : verify(run, retained, { validate: false });
  const isLoaded = result?.kind === "valid" && partition !== undefined;
  run.note({ type: "fast-boot", loaded: isLoaded ? retained : undefined });
  if (result?.kind !== "valid" || partition === undefined) return undefined;
  return { slot: slotOfSubtype(partition.subtype), partition, image: result.image };
}

/** Tries the slots in order until one loads (`bootloader_utility_load_boot_image`). A fallback is not recorded in otadata. */
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

/** Returns the order of fallback: from the start down to factory, then up from the start, then test. */
function fallbackOrder(start: number, appCount: number): readonly number[] {
  const order: number[] = [];
  for (let index = start; index >= FACTORY_INDEX; index--) order.push(index);
  for (let index = start + 1; index < appCount; index++) order.push(index);
  return [...order, TEST_APP_INDEX];
}

function tryLoad(run: BootRun, index: number, fallback: boolean): Loaded | undefined {
  const partition = partitionAt(run.map, index);
  if (partition === undefined || partition.size === 0) return undefined;
  const { efuse } = run.hardware;
  const slot = index === FACTORY_INDEX ? "factory" : index === TEST_APP_INDEX ? "test" : index;
  if (!isSecureVersionAllowed(run, partition)) {
    const reason = `no app, or its secure version is less than the eFuse's ${efuse.secureVersion}`;
    run.note({ type: "slot-rejected", slot, partition, err: undefined, reason });
    return undefined;
  }
  const { skipValidate, skipValidateOnPowerOn, resetReason = "power-on" } = run.options;
  const skips = skipValidate === true || (skipValidateOnPowerOn === true && resetReason === "power-on");
  // With secure boot these two options have no effect.
  const validate = !skips || run.options.secureBoot !== undefined;
  const range = { offset: partition.offset, sizeBytes: partition.size };
  const result = verify(run, range, { validate });
  if (result.kind === "invalid") {
    const { err, reason, isCorrupt } = result;
    const hash = isCorrupt === undefined ? {} : { isCorrupt };
    run.note({ type: "slot-rejected", slot, partition, err, reason, ...hash });
    return undefined;
  }
  const signedBy = run.options.secureBoot?.scheme;
  const signed = signedBy === undefined ? {} : { signedBy };
  run.note({ type: "slot-loaded", slot, fallback, partition, image: result.image, ...signed });
  return { slot, partition, image: result.image };
}

function verify(run: BootRun, range: PartitionRange, { validate }: { readonly validate: boolean }): ImageVerification {
  const { chip, efuse } = run.hardware;
  const signature = bootloaderPolicy(efuse, run.options.secureBoot);
  return verifyImage(run.flash, range, chip, efuse, {
    environment: "bootloader",
    behaviors: (run.options.idf ?? idfRelease("6.2-dev")).behaviors,
    validate,
    antiRollback: run.options.antiRollback === true,
    signature,
  });
}

function slotOfSubtype(subtype: number): BootSlot {
  if (subtype === AppSubtype.FACTORY) return "factory";
  return subtype === AppSubtype.TEST ? "test" : subtype & 0x0f;
}

function partitionAt(map: BootMap, index: number): PartitionEntry | undefined {
  if (index === FACTORY_INDEX) return map.factory;
  if (index === TEST_APP_INDEX) return map.test;
  return index < map.appCount ? map.slots[index] : undefined;
}
