import { formatHex } from "@tinybms/ota-core";
import type { AppImageInspection, BootloaderInspection } from "@tinybms/ota-core/esp";
import { type Field, fieldLines, formatSize, indentedTable } from "./inspect-columns.ts";
import { signatureLines } from "./inspect-partition-text.ts";

/** Formats the fields and segments of an app or bootloader image. */
export function imageLines(image: AppImageInspection | BootloaderInspection): string[] {
  const { minChipRevision: min, maxChipRevision: max, checksum, hash, segments, signature } = image;
  const revisions = min === null && max === null ? "any" : `${min ?? "any"} to ${max ?? "any"}`;
  const isAppended = hash === null && image.imageSize !== null ? "none" : null;
  const rows = segments.map(({ offset, size, loadAddress, memory }, index) => [
    `${index}`,
    formatHex(offset, 6),
    formatHex(size, 6),
    `${size}`,
    formatHex(loadAddress, 8),
    memory,
  ]);
  return [
    ...fieldLines([
      ...(image.type === "app-image" ? appFields(image) : bootloaderFields(image)),
      ["chip revision", image.chipId === null ? null : revisions],
      ["flash", image.flashSize === null ? null : `${formatSize(image.flashSize)}, ${image.flashMode}`],
      ["entry address", image.entryAddress === null ? null : formatHex(image.entryAddress, 8)],
      ["image size", image.imageSize === null ? null : `${image.imageSize} bytes (${formatHex(image.imageSize)})`],
      ["after the image", image.trailingSize === 0 ? null : `${image.trailing}, ${image.trailingSize} bytes`],
      [
        "checksum",
        checksum && sumText(formatHex(checksum.stored, 2), formatHex(checksum.computed, 2), checksum.matches),
      ],
      ["image SHA-256", hash === null ? isAppended : sumText(hash.stored, hash.computed, hash.matches)],
      ["file SHA-256", image.sha256],
    ]),
    ...(rows.length === 0
      ? []
      : [
          "",
          ...indentedTable(
            ["segment", "offset", "size", "bytes", "load address", "memory"],
            ["right", "left", "left", "right", "left", "left"],
            rows,
          ),
        ]),
    ...(signature === null
      ? []
      : ["", `  signature, Secure Boot v${signature.version}`, ...signatureLines(signature.blocks)]),
  ];
}

function appFields({ descriptor }: AppImageInspection): readonly Field[] {
  if (descriptor === null) return [];
  const { projectName, version, idfVersion, date, time, secureVersion, appElfSha256 } = descriptor;
  return [
    ["project", projectName],
    ["version", version],
    ["ESP-IDF", idfVersion],
    ["built", `${date} ${time}`.trim() || null],
    ["secure version", secureVersion],
    ["ELF SHA-256", appElfSha256],
  ];
}

function bootloaderFields({ descriptor }: BootloaderInspection): readonly Field[] {
  if (descriptor === null) return [["version", "no descriptor: older than ESP-IDF 5.2"]];
  const { version, secureVersion, idfVersion, dateTime } = descriptor;
  return [
    ["version", version],
    ["ESP-IDF", idfVersion],
    ["built", dateTime],
    ["secure version", secureVersion],
  ];
}

function sumText(stored: string, computed: string, matches: boolean): string {
  return matches ? `${stored}, right` : `${stored}, wrong: computed ${computed}`;
}
