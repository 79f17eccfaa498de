import type { DeviceState, StateReport } from "@tinybms/ota-core";
import {
  DataSubtype,
  findPartition,
  OTADATA_ENTRY_SIZE,
  OTADATA_SECTOR_SIZE,
  otadataCrc,
  otaStateName,
  PartitionType,
  parseOtadataEntry,
} from "@tinybms/ota-core/esp";
import type { Hardware } from "../boot/boot-options.ts";
import type { DeviceStatus } from "./device-events.ts";
import { partitionsOf } from "./device-partitions.ts";

/** An otadata entry, or `null` if its sector is blank. */
export type OtadataSummary = {
  readonly sequence: number;
  /** State in the entry: `new`, `pending-verify`, `valid`, … */
  readonly state: string;
  /** Whether its CRC is correct. */
  readonly valid: boolean;
} | null;

/** Summary of a device, as `tinybms-sim run --json` prints it. */
export interface DeviceSummary {
  readonly device: string;
  /** The agent's state, or why no agent runs. */
  readonly state: DeviceState | Exclude<DeviceStatus, "running">;
  /** Version in the app descriptor of the app that runs or ran last; `null` if no app ever ran. */
  readonly version: string | null;
  /** Label of the partition that the app runs from. */
  readonly slot: string | null;
  readonly otadata: readonly OtadataSummary[];
  readonly bootCount: number;
  /** Flash operations so far: sector erases, page programs and bytes programmed. */
  readonly flash: { readonly erases: number; readonly programs: number; readonly bytes: number };
  readonly error?: StateReport["error"];
}

/** Input of {@link summarizeDevice}. */
export interface SummarizedDevice {
  readonly id: string;
  readonly status: DeviceStatus;
  readonly state: DeviceState | undefined;
  readonly report: StateReport | undefined;
  readonly hardware: Pick<Hardware, "flash">;
  /**
   * Offset of the partition table, in bytes.
   *
   * @defaultValue 0x8000
   */
  readonly tableOffset?: number | undefined;
}

/** Summarizes a device, with or without power. */
export function summarizeDevice(device: SummarizedDevice): DeviceSummary {
  const { report, status } = device;
  const { sectorErases, pagePrograms, bytesProgrammed } = device.hardware.flash.counters;
  return {
    device: device.id,
    state: status === "running" ? (device.state ?? "idle") : status,
    version: report?.version ?? null,
    slot: report?.slot ?? null,
    otadata: otadataOf(device),
    bootCount: report?.boot_count ?? 0,
    flash: { erases: sectorErases, programs: pagePrograms, bytes: bytesProgrammed },
    ...(report?.error === undefined ? {} : { error: report.error }),
  };
}

/** Returns the two entries in flash; empty if there is no otadata partition or no valid table. */
function otadataOf({ hardware: { flash }, tableOffset }: SummarizedDevice): OtadataSummary[] {
  const table = { entries: partitionsOf(flash, tableOffset) };
  const offset = findPartition(table, PartitionType.DATA, DataSubtype.OTA)?.offset;
  if (offset === undefined) return [];
  return [offset, offset + OTADATA_SECTOR_SIZE].map((start) => {
    const bytes = flash.truth(start, OTADATA_ENTRY_SIZE);
    if (bytes.every((byte) => byte === 0xff)) return null;
    const entry = parseOtadataEntry(bytes);
    const { sequence, state, crc } = entry;
    return { sequence, state: otaStateName(state), valid: crc === otadataCrc(sequence) };
  });
}
