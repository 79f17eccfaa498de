import {
  buildOtadataEntry,
  chooseActive,
  isSelectInvalid,
  isSelectValid,
  OTADATA_ENTRY_SIZE,
  OTADATA_SECTOR_SIZE,
  OTADATA_SIZE,
  type OtadataEntry,
  OtaImageState,
  otadataCrc,
  otadataEntry,
  otaSlotOfSequence,
  type PartitionEntry,
  parseOtadataEntry,
} from "@tinybms/ota-core/esp";
import { EspErr } from "../esp-err/esp-err.ts";
import type { FlashAccess } from "../flash/flash-reader.ts";
import { readAppDescription } from "./app-description.ts";
import type { BootEvent, ResetReason, RewriteReason } from "./boot-event.ts";
import type { BootMap } from "./boot-map.ts";
import type { BootloaderOptions, Hardware } from "./boot-options.ts";

/** Index of the factory app in ESP-IDF's numbering of boot slots. OTA slots are 0 and up. */
export const FACTORY_INDEX: number = -1;

/** Index of the test app in the same numbering. */
export const TEST_APP_INDEX: number = -2;

/** The slot with which the search for a bootable app begins. */
export type Selection =
  | {
      readonly kind: "start";
      readonly index: number;
      /** Whether neither entry was ever valid, so that the slot that boots is recorded (`ota_has_initial_contents`). */
      readonly initialContents: boolean;
    }
  | { readonly kind: "reset"; readonly reason: ResetReason };

/** State of one run of the bootloader. */
export interface BootRun {
  readonly hardware: Hardware;
  readonly options: BootloaderOptions;
  readonly map: BootMap;
  /** The flash as the bootloader sees it: decrypted if it is encrypted. */
  readonly flash: FlashAccess;
  /** Records an event. */
  readonly note: (event: BootEvent) => void;
}

/**
 * Selects the slot to start, and updates otadata as required before the start
 * (`bootloader_utility_get_selected_boot_partition`).
 *
 * @throws {@link PowerCut} if the flash loses power.
 */
export function selectBootIndex(run: BootRun): Selection {
  const { map, note } = run;
  if (map.otadata === undefined) {
    note({ type: "selected", slot: "factory", reason: "no-otadata" });
    return { kind: "start", index: FACTORY_INDEX, initialContents: false };
  }
  const { offset, size } = map.otadata;
  if (size < OTADATA_SIZE) {
    note({ type: "otadata-rejected", reason: `ota_info partition size ${size} is too small (minimum 8192 bytes)` });
    return { kind: "reset", reason: "otadata-too-small" };
  }
  if (size > run.flash.sizeBytes - offset) {
    note({
      type: "otadata-rejected",
      reason: `bootloader_mmap(0x${offset.toString(16)}, 0x${size.toString(16)}) failed`,
    });
    return { kind: "reset", reason: "otadata-beyond-flash" };
  }
  const read = readEntries(run, map.otadata);
  const { secureVersion } = run.hardware.efuse;
  note({ type: "otadata-read", entries: read, ...(run.options.antiRollback === true ? { secureVersion } : {}) });
  const entries = isRollbackOn(run) ? abortUnconfirmed(run, map.otadata, read) : read;
  return run.options.antiRollback === true
    ? selectWithAntiRollback(run, map.otadata, entries)
    : selectPlain(run, map.otadata, entries);
}

/** Records the slot that booted if otadata selected no slot (`set_actual_ota_seq`). */
export function recordFirstBoot(run: BootRun, slot: number): void {
  if (run.map.otadata === undefined) return;
  writeEntry(run, run.map.otadata, 0, otadataEntry(slot + 1, OtaImageState.VALID), "initial-contents");
  if (run.options.antiRollback === true) burnSecureVersion(run, run.map.slots[slot]);
}

/** Returns whether anti-rollback allows a partition to boot. With anti-rollback, its descriptor must be readable. */
export function isSecureVersionAllowed(run: BootRun, partition: PartitionEntry | undefined): boolean {
  if (run.options.antiRollback !== true) return true;
  if (partition === undefined) return false;
  const description = readAppDescription(run.flash, partition.offset);
  return description !== undefined && run.hardware.efuse.allowsSecureVersion(description.secureVersion);
}

type Entries = readonly [OtadataEntry, OtadataEntry];

function selectPlain(run: BootRun, otadata: PartitionEntry, entries: Entries): Selection {
  const { map, note } = run;
  if (entries.every(isSelectInvalid) || map.appCount === 0) {
    const index = map.factory === undefined ? 0 : FACTORY_INDEX;
    note({ type: "selected", slot: index === 0 ? 0 : "factory", reason: "default" });
    return { kind: "start", index, initialContents: index === 0 && entries.every(isNeverWritten) };
  }
  return follow(run, otadata, entries, chooseActive(...entries));
}

function selectWithAntiRollback(run: BootRun, otadata: PartitionEntry, entries: Entries): Selection {
  const { map, note } = run;
  if (entries.every(isNeverWritten)) {
    note({ type: "selected", slot: "factory", reason: "initial-contents" });
    return { kind: "start", index: FACTORY_INDEX, initialContents: true };
  }
  if (map.appCount === 0 && entries.some(isSelectValid)) return { kind: "reset", reason: "divide-by-zero" };
  // An entry whose slot is not allowed to boot is treated as blank.
  const [first, second] = entries.map((entry) => {
    const allowed = isSelectValid(entry) && isSecureVersionAllowed(run, slotOf(run, entry));
    return allowed ? entry : { ...entry, sequence: 0xffff_ffff };
  });
  const active = first === undefined || second === undefined ? undefined : chooseActive(first, second);
  return follow(run, otadata, entries, active);
}

/** Selects the active entry's slot; without one, the default. */
function follow(run: BootRun, otadata: PartitionEntry, entries: Entries, active: 0 | 1 | undefined): Selection {
  const { map, note, options } = run;
  if (active === undefined) {
    note({ type: "selected", slot: map.factory === undefined ? 0 : "factory", reason: "otadata-invalid" });
    return { kind: "start", index: FACTORY_INDEX, initialContents: false };
  }
  const entry = entries[active];
  const slot = otaSlotOfSequence(entry.sequence, map.appCount);
  note({ type: "selected", slot, reason: "active-entry", entry: active });
  if (isRollbackOn(run) && entry.state === OtaImageState.NEW) {
    writeEntry(run, otadata, active, { ...entry, state: OtaImageState.PENDING_VERIFY }, "first-start");
  }
  if (options.antiRollback === true && entry.state === OtaImageState.VALID) burnSecureVersion(run, map.slots[slot]);
  return { kind: "start", index: slot, initialContents: false };
}

/** Aborts every entry that was started and not confirmed, valid or not. */
function abortUnconfirmed(run: BootRun, otadata: PartitionEntry, entries: Entries): Entries {
  const update = (sector: 0 | 1): OtadataEntry => {
    const entry = entries[sector];
    if (entry.state !== OtaImageState.PENDING_VERIFY) return entry;
    const aborted = { ...entry, state: OtaImageState.ABORTED };
    writeEntry(run, otadata, sector, aborted, "not-confirmed");
    return aborted;
  };
  return [update(0), update(1)];
}

function readEntries({ flash }: BootRun, otadata: PartitionEntry): Entries {
  const entry = (sector: 0 | 1) =>
    parseOtadataEntry(flash.read(otadata.offset + sector * OTADATA_SECTOR_SIZE, OTADATA_ENTRY_SIZE));
  return [entry(0), entry(1)];
}

/** `write_otadata`: erases the sector, then writes 32 bytes. Power may fail in between. ESP-IDF ignores failures. */
function writeEntry(
  run: BootRun,
  otadata: PartitionEntry,
  sector: 0 | 1,
  entry: OtadataEntry,
  reason: RewriteReason,
): void {
  const offset = otadata.offset + sector * OTADATA_SECTOR_SIZE;
  if (!(run.flash.eraseRange(offset, OTADATA_SECTOR_SIZE) && run.flash.program(offset, buildOtadataEntry(entry)))) {
    run.note({ type: "entry-write-failed", sector, err: EspErr.ESP_ERR_FLASH_OP_FAIL });
    return;
  }
  run.note({ type: "entry-rewritten", sector, reason, sequence: entry.sequence, state: entry.state });
}

function burnSecureVersion(run: BootRun, partition: PartitionEntry | undefined): void {
  if (partition === undefined) return;
  const { efuse } = run.hardware;
  const from = efuse.secureVersion;
  efuse.updateSecureVersion(readAppDescription(run.flash, partition.offset)?.secureVersion ?? 0);
  if (efuse.secureVersion !== from) run.note({ type: "secure-version-burned", from, to: efuse.secureVersion });
}

function slotOf({ map }: BootRun, entry: OtadataEntry): PartitionEntry | undefined {
  return map.slots[otaSlotOfSequence(entry.sequence, map.appCount)];
}

/** Returns whether an entry is blank, or torn before its CRC was complete. An aborted entry, though invalid, was written. */
function isNeverWritten(entry: OtadataEntry): boolean {
  return entry.sequence === 0xffff_ffff || entry.crc !== otadataCrc(entry.sequence);
}

function isRollbackOn({ options }: BootRun): boolean {
  return (options.rollback ?? true) || options.antiRollback === true;
}
