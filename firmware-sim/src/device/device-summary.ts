import type { DeviceState, StateReport } from "@tinybms/ota-core";
import {
  DataSubtype,
  OTADATA_ENTRY_SIZE,
  OTADATA_SECTOR_SIZE,
  otadataCrc,
  otaStateName,
  type PartitionEntry,
  PartitionType,
  parseOtadataEntry,
} from "@tinybms/ota-core/esp";
import type { Hardware } from "../boot/boot-options.ts";
import type { DeviceStatus } from "./device-events.ts";
import { partitionsOf } from "./device-partitions.ts";

/** One entry of otadata, or `null` where its sector is blank. */
export type OtadataSummary = {
  readonly sequence: number;
  /** `new`, `pending-verify`, `valid`, … as the entry says. */
  readonly state: string;
  /** Its CRC is right. */
  readonly valid: boolean;
} | null;

/** A device in the form in which `tinybms-sim run --json` prints it. */
export interface DeviceSummary {
  readonly device: string;
  /** The agent's state; where none runs, why. */
  readonly state: DeviceState | Exclude<DeviceStatus, "running">;
  /** Version of the app descriptor that runs, or ran last; `null` if none ever did. */
  readonly version: string | null;
  /** Label of the partition it runs from. */
  readonly slot: string | null;
  readonly otadata: readonly OtadataSummary[];
  readonly bootCount: number;
  /** What was done to the flash: sector erases, page programs, bytes programmed. */
  readonly flash: { readonly erases: number; readonly programs: number; readonly bytes: number };
  readonly error?: StateReport["error"];
}

/** What a summary is made of. */
export interface SummarizedDevice {
  readonly id: string;
  readonly status: DeviceStatus;
  readonly state: DeviceState | undefined;
  readonly report: StateReport | undefined;
  readonly hardware: Pick<Hardware, "flash">;
  /** Where its partition table lies, if not at 0x8000. */
  readonly tableOffset?: number | undefined;
}

/** Sums a device up, powered or not. */
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

/** The two entries as they stand in flash; none where the table has no otadata, or is no table. */
function otadataOf({ hardware: { flash }, tableOffset }: SummarizedDevice): OtadataSummary[] {
  const isOtadata = ({ type, subtype }: PartitionEntry) => type === PartitionType.DATA && subtype === DataSubtype.OTA;
  const offset = partitionsOf(flash, tableOffset).find(isOtadata)?.offset;
  if (offset === undefined) return [];
  return [offset, offset + OTADATA_SECTOR_SIZE].map((start) => {
    const bytes = flash.truth(start, OTADATA_ENTRY_SIZE);
    if (bytes.every((byte) => byte === 0xff)) return null;
    const entry = parseOtadataEntry(bytes);
    const { sequence, state, crc } = entry;
    return { sequence, state: otaStateName(state), valid: crc === otadataCrc(sequence) };
  });
}
