import {
  AppSubtype,
  DataSubtype,
  type PartitionEntry,
  PartitionType,
  revisionName,
  type SignatureScheme,
} from "@tinybms/ota-core/esp";
import type { BootEvent, BootSlot, ResetReason } from "./boot-event.ts";
import type { ImageSegment } from "./image-verification.ts";

/** Last line before an app starts. */
export const LAST_BOOT_LOG_LINE = "I boot: Disabling RNG early entropy source...";

/**
 * Returns the lines that an event leaves in the boot log, worded as ESP-IDF's bootloader does at log level Info, without
 * time stamps, since nothing here reads a clock.
 */
export function bootLogOf(event: BootEvent): readonly string[] {
  switch (event.type) {
    case "started":
      return [
        `I boot: chip revision: ${revisionName(event.chipRevision)}`,
        `I boot.${event.chip}: SPI Flash Size : ${event.flashSizeBytes / 2 ** 20}MB`,
        "I boot: Enabling RNG early entropy source...",
      ];
    case "table-loaded":
      return [
        "I boot: Partition Table:",
        "I boot: ## Label            Usage          Type ST Offset   Length",
        ...event.entries.map((entry, index) => `I boot: ${partitionLine(entry, index)}`),
        "I boot: End of partition table",
      ];
    case "table-rejected":
      return [`E flash_parts: ${event.reason}`, "E boot: Failed to verify partition table"];
    case "otadata-read":
      return event.secureVersion === undefined
        ? []
        : [
            "I boot: Enabled a check secure version of app for anti rollback",
            `I boot: Secure version (from eFuse) = ${event.secureVersion}`,
          ];
    case "otadata-rejected":
      return [`E boot: ${event.reason}`];
    case "entry-rewritten":
      return event.reason === "initial-contents" ? [`I boot: Set actual ota_seq=${event.sequence} in otadata[0]`] : [];
    case "entry-write-failed":
      return [`E boot: Error in write_otadata operation. err = 0x${event.err.toString(16)}`];
    case "fast-boot":
      return event.loaded !== undefined
        ? [`I boot: Fast booting app from partition at offset 0x${event.loaded.offset.toString(16)}`]
        : ["E boot: Fast booting is not successful", "I boot: Try to load an app as usual with all validations"];
    case "selected":
      return selectionLines(event);
    case "factory-reset":
      return [
        "I boot: Detect a condition of the factory reset",
        `I boot: Data partitions to erase: ${event.erased.join(", ")}`,
      ];
    case "slot-rejected":
      return [
        ...(event.err === undefined ? [] : [`E esp_image: ${event.reason}`]),
        ...(event.isCorrupt === undefined ? [] : badSignatureLines(event.isCorrupt)),
        ...(event.slot === "test" ? [] : [`E boot: ${slotTitle(event.slot)} is not bootable`]),
      ];
    case "slot-loaded":
      return [
        ...event.image.segments.map((segment, index) => `I esp_image: ${segmentLine(segment, index)}`),
        ...(event.signedBy === undefined ? [] : signatureLines(event.signedBy)),
        `I boot: Loaded app from partition at offset 0x${event.partition.offset.toString(16)}`,
        ...(event.slot === "test" && event.fallback
          ? ["W boot: Falling back to test app as only bootable partition"]
          : []),
      ];
    case "secure-version-burned":
      return [`I efuse: Anti-rollback is set. eFuse field is updated(${event.to}).`];
    case "reset":
      return resetLines(event.reason);
    default:
      return event satisfies never;
  }
}

function selectionLines(event: BootEvent & { type: "selected" }): readonly string[] {
  switch (event.reason) {
    case "default":
      return [`I boot: ${event.slot === "factory" ? "Defaulting to factory image" : "No factory image, trying OTA 0"}`];
    case "otadata-invalid":
      return [
        event.slot === "factory"
          ? "E boot: ota data partition invalid, falling back to factory"
          : "E boot: ota data partition invalid and no factory, will try all partitions",
      ];
    case "initial-contents":
      return ["I boot: otadata[0..1] in initial state"];
    case "test-pin":
      return ["I boot: Detect a boot condition of the test firmware"];
    case "active-entry":
    case "no-otadata":
      return [];
    default:
      return event.reason satisfies never;
  }
}

function resetLines(reason: ResetReason): readonly string[] {
  switch (reason) {
    case "partition-table-invalid":
      return ["E boot: load partition table error!"];
    case "otadata-too-small":
    case "otadata-beyond-flash":
      return [];
    case "no-bootable-app":
      return ["E boot: No bootable app partitions in the partition table"];
    case "no-test-app":
      return ["E boot: Test firmware is not found in partition table"];
    case "test-app-not-bootable":
      return ["E boot: No bootable test partition in the partition table"];
    case "divide-by-zero":
      return ["Guru Meditation Error: Core 0 panic'ed (IntegerDivideByZero)"];
    default:
      return reason satisfies never;
  }
}

function signatureLines(scheme: SignatureScheme): readonly string[] {
  return [
    "I esp_image: Verifying image signature...",
    `I secure_boot_v2: Verifying with ${scheme === "rsa-3072" ? "RSA-PSS" : "ECDSA"}...`,
    "I secure_boot_v2: Signature verified successfully!",
  ];
}

function badSignatureLines(isCorrupt: boolean): readonly string[] {
  return [
    "I esp_image: Calculating simple hash to check for corruption...",
    ...(isCorrupt ? ["E esp_image: Image hash failed - image is corrupt"] : []),
    `W esp_image: ${isCorrupt ? "image corrupted on flash" : "image valid, signature bad"}`,
  ];
}

function slotTitle(slot: BootSlot): string {
  return slot === "factory" ? "Factory app partition" : `OTA app partition slot ${slot}`;
}

function partitionLine(entry: PartitionEntry, index: number): string {
  const { label, type, subtype, offset, size } = entry;
  const names = `${label.padEnd(16)} ${usageOf(type, subtype).padEnd(16)}`;
  return `${String(index).padStart(2)} ${names} ${hex(type, 2)} ${hex(subtype, 2)} ${hex(offset, 8)} ${hex(size, 8)}`;
}

const DATA_USAGES: Readonly<Record<number, string>> = {
  [DataSubtype.OTA]: "OTA data",
  [DataSubtype.PHY]: "RF data",
  [DataSubtype.NVS]: "WiFi data",
  [DataSubtype.NVS_KEYS]: "NVS keys",
  [DataSubtype.EFUSE]: "efuse",
};

function usageOf(type: number, subtype: number): string {
  if (type === PartitionType.DATA) return DATA_USAGES[subtype] ?? "Unknown data";
  if (type !== PartitionType.APP) return "unknown";
  if (subtype === AppSubtype.FACTORY) return "factory app";
  if (subtype === AppSubtype.TEST) return "test app";
  return (subtype & 0xf0) === AppSubtype.OTA_0 ? "OTA app" : "Unknown app";
}

function segmentLine(segment: ImageSegment, index: number): string {
  const { flashOffset, loadAddress, sizeBytes, use } = segment;
  const size = `${hex(sizeBytes, 5)}h (${String(sizeBytes).padStart(6)})`;
  const place = `segment ${index}: paddr=${hex(flashOffset, 8)} vaddr=${hex(loadAddress, 8)} size=${size}`;
  return use === "none" ? place : `${place} ${use}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
