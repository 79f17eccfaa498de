import { isOtaError } from "@tinybms/ota-core";
import {
  type FlashPartition,
  type InspectedPartition,
  type OtadataInspection,
  parseAppImage,
} from "@tinybms/ota-core/esp";
import type { BootloaderEvidence } from "./bootloader-evidence.ts";
import type { DumpedBoard } from "./dumped-board.ts";

/** Description of a board. JSON-safe; `null` means unknown. */
export interface BoardDescription {
  readonly chip: string;
  /** Size in bytes. */
  readonly flashSize: number;
  readonly bootloader: {
    readonly offset: number;
    readonly idfVersion: string | null;
    readonly built: string | null;
    /** Flash size in its header, in bytes. */
    readonly flashSize: number | null;
    readonly sha256: string;
    readonly signed: boolean;
    readonly rollback: boolean | null;
    readonly antiRollback: boolean | null;
    readonly secureBoot: boolean | null;
  } | null;
  readonly partitionTableOffset: number;
  readonly partitions: readonly (InspectedPartition & { readonly erased: boolean })[];
  readonly slots: readonly SlotDescription[];
  readonly otadata: readonly (OtadataInspection["entries"][number] & { readonly active: boolean })[];
  readonly nvs: readonly {
    readonly label: string;
    readonly valid: boolean;
    readonly namespaces: readonly string[];
    readonly entries: number;
  }[];
}

/** Description of an app partition and its content. */
export interface SlotDescription {
  readonly label: string;
  readonly subtype: string;
  readonly offset: number;
  readonly size: number;
  readonly contents: "app" | "erased" | "other";
  /** Whether the app is complete and passes all checks. */
  readonly valid: boolean;
  readonly version: string | null;
  readonly projectName: string | null;
  readonly idfVersion: string | null;
  readonly secureVersion: number | null;
  readonly imageSize: number | null;
  readonly signed: boolean;
  /** State of its entry in otadata; `null` without one. */
  readonly state: string | null;
  readonly runs: boolean;
}

/**
 * Describes the content of a board's flash.
 *
 * @param running - Label of the partition whose app starts; `undefined` if none does.
 */
export function describeBoard(
  board: DumpedBoard,
  evidence: BootloaderEvidence,
  running: string | undefined,
): BoardDescription {
  const { inspection, chip, tableOffset } = board;
  const otadata = inspection.partitions.flatMap(({ contents }) => (contents?.type === "otadata" ? [contents] : []))[0];
  const nvs = inspection.partitions.flatMap(({ label, contents }) =>
    contents?.type === "nvs" ? [{ label, contents }] : [],
  );
  return {
    chip: chip.name,
    flashSize: inspection.size,
    bootloader: describeBootloader(board, evidence),
    partitionTableOffset: tableOffset,
    partitions: inspection.partitions.map(
      ({ label, type, subtype, offset, size, encrypted, readonly: isReadonly, erased }) => {
        return { label, type, subtype, offset, size, encrypted, readonly: isReadonly, erased };
      },
    ),
    slots: inspection.partitions
      .filter(({ type }) => type === "app")
      .map((slot) => describeSlot(board, slot, otadata, slot.label === running)),
    otadata: (otadata?.entries ?? []).map((entry, index) => ({ ...entry, active: index === otadata?.active })),
    nvs: nvs.map(({ label, contents: { valid, namespaces, entries } }) => {
      return { label, valid, namespaces: namespaces.map(({ name }) => name), entries: entries.length };
    }),
  };
}

function describeBootloader({ inspection }: DumpedBoard, evidence: BootloaderEvidence): BoardDescription["bootloader"] {
  const { bootloader, bootloaderOffset } = inspection;
  if (bootloader === null) return null;
  return {
    offset: bootloaderOffset ?? 0,
    idfVersion: bootloader.descriptor?.idfVersion ?? null,
    built: bootloader.descriptor?.dateTime || null,
    flashSize: bootloader.flashSize,
    sha256: bootloader.sha256,
    signed: bootloader.signature !== null,
    rollback: evidence.rollback ?? null,
    antiRollback: evidence.antiRollback ?? null,
    secureBoot: evidence.secureBoot,
  };
}

function describeSlot(
  { bytes }: DumpedBoard,
  { label, subtype, offset, size, erased, contents }: FlashPartition,
  otadata: OtadataInspection | undefined,
  runs: boolean,
): SlotDescription {
  const app = contents?.type === "app-image" ? contents : undefined;
  const number = /^ota_(\d+)$/.exec(subtype)?.[1];
  const entries = (otadata?.entries ?? []).filter(({ slot, blank }) => !blank && String(slot) === number);
  const entry = entries.find(({ counts }) => counts) ?? entries[0];
  const { version = null, projectName = null, idfVersion = null, secureVersion = null } = app?.descriptor ?? {};
  return {
    label,
    subtype,
    offset,
    size,
    contents: erased ? "erased" : app === undefined ? "other" : "app",
    valid: app !== undefined && isWhole(bytes.subarray(offset, offset + size)) && app.valid,
    version,
    projectName,
    idfVersion,
    secureVersion,
    imageSize: app?.imageSize ?? null,
    signed: app?.signature?.blocks.some(({ imageDigestMatches }) => imageDigestMatches === true) === true,
    state: entry?.state ?? null,
    runs,
  };
}

function isWhole(slot: Uint8Array): boolean {
  try {
    parseAppImage(slot);
    return true;
  } catch (error) {
    if (isOtaError(error)) return false;
    throw error;
  }
}
