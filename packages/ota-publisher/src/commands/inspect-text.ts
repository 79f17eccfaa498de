import { type CommandOutput, printable } from "@tinybms/cli-kit/output";
import { formatHex } from "@tinybms/ota-core";
import type { FlashInspection, Inspection, InspectProblem, PartitionTableInspection } from "@tinybms/ota-core/esp";
import { fieldLines, formatSize, indentedTable, moreLines, ROWS_MAX } from "./inspect-columns.ts";
import { imageLines } from "./inspect-image-text.ts";
import { nvsLines, otadataLines, signatureLines } from "./inspect-partition-text.ts";

/** Styles text if stdout is a terminal. */
type Paint = Pick<CommandOutput, "style">;

/**
 * Formats an inspection: the type of the file, its fields, problems, notes and suggestions.
 *
 * @param file - Path as the user wrote it.
 * @returns Lines of text.
 */
export function inspectionText(file: string, inspection: Inspection, paint: Paint): readonly string[] {
  const { valid, problems, notes } = inspection;
  const verdict = valid ? paint.style("green", "valid") : paint.style("red", countText(problems.length, "problem"));
  const title = paint.style("bold", `${printable(file)}: ${titleOf(inspection)}`);
  const findings = [
    ...problems.slice(0, ROWS_MAX).map((problem) => `  ${paint.style("red", problem.code)}: ${describe(problem)}`),
    ...moreLines(problems.length, "problem"),
    ...notes.slice(0, ROWS_MAX).map((note) => `  ${paint.style("yellow", `note ${note.code}`)}: ${describe(note)}`),
    ...moreLines(notes.length, "note"),
  ];
  return [
    `${title}, ${verdict}`,
    ...bodyOf(inspection),
    ...(findings.length === 0 ? [] : ["", ...findings]),
    ...suggestionLines(inspection),
  ];
}

function titleOf(inspection: Inspection): string {
  switch (inspection.type) {
    case "app-image":
      return `app image${forChip(inspection.chip)}`;
    case "bootloader":
      return `second-stage bootloader${forChip(inspection.chip)}`;
    case "partition-table":
      return inspection.format === "csv" ? "partition table (CSV)" : "partition table";
    case "otadata":
      return "otadata partition";
    case "nvs":
      return "NVS partition";
    case "signature-block":
      return "Secure Boot v2 signature without its image";
    case "flash":
      return `flash${forChip(inspection.chip)}`;
    case "unknown":
      return inspection.description;
  }
}

function bodyOf(inspection: Inspection): string[] {
  const size = fieldLines([["size", `${inspection.size} bytes (${formatHex(inspection.size)})`]]);
  switch (inspection.type) {
    case "app-image":
    case "bootloader":
      return [...size, ...imageLines(inspection)];
    case "partition-table":
      return [...size, ...tableText(inspection)];
    case "otadata":
      return [...size, ...otadataLines(inspection)];
    case "nvs":
      return [...size, ...nvsLines(inspection)];
    case "signature-block":
      return [...size, ...signatureLines(inspection.blocks)];
    case "flash":
      return [...size, ...flashLines(inspection)];
    case "unknown":
      return size;
  }
}

function tableText({ partitions, md5, flashSize, slotCount, updatable }: PartitionTableInspection): string[] {
  const rows = partitions.map((partition) => [
    partition.label,
    partition.type,
    partition.subtype,
    formatHex(partition.offset, 6),
    formatHex(partition.offset + partition.size, 6),
    formatSize(partition.size),
    [partition.encrypted ? "encrypted" : "", partition.readonly ? "readonly" : ""].filter(Boolean).join(":"),
  ]);
  return [
    ...fieldLines([
      ["MD5", md5],
      ["flash", formatSize(flashSize)],
      ["OTA slots", slotCount],
      ["OTA possible", updatable ? "yes" : "no"],
    ]),
    "",
    ...indentedTable(
      ["label", "type", "subtype", "offset", "end", "size", "flags"],
      ["left", "left", "left", "left", "left", "right", "left"],
      rows,
    ),
  ];
}

function flashLines(flash: FlashInspection): string[] {
  const { startsAt, bootloader, bootloaderOffset, partitionTable, partitionTableOffset, partitions, boot } = flash;
  const rows = partitions.map((partition) => [
    partition.label,
    `${partition.type}/${partition.subtype}`,
    formatHex(partition.offset, 6),
    formatSize(partition.size),
    contentsText(partition),
  ]);
  const heads = ["label", "type", "offset", "size", "contents"];
  return [
    ...fieldLines([
      ["goes to", startsAt === 0 ? null : formatHex(startsAt)],
      ["bootloader", bootloaderOffset === null ? "none" : `at ${formatHex(bootloaderOffset)}`],
      ["partition table", partitionTableOffset === null ? "none" : `at ${formatHex(partitionTableOffset)}`],
      ["flash size", bootloader?.flashSize ? formatSize(bootloader.flashSize) : null],
      ["OTA possible", partitionTable === null ? null : partitionTable.updatable ? "yes" : "no"],
      ["starts", boot],
    ]),
    ...(rows.length === 0 ? [] : ["", ...indentedTable(heads, ["left", "left", "left", "right", "left"], rows)]),
    ...(bootloader === null ? [] : ["", "  bootloader", ...imageLines(bootloader).map(indent)]),
    ...partitions.flatMap(({ label, contents }) => {
      if (contents === null) return [];
      return ["", `  ${printable(label)}: ${titleOf(contents)}`, ...bodyOf(contents).slice(1).map(indent)];
    }),
  ];
}

function contentsText({ contents, present, erased }: FlashInspection["partitions"][number]): string {
  if (present === "none") return "not in this file";
  if (erased) return "erased";
  if (contents === null) return "data";
  const verdict = contents.valid ? "valid" : countText(contents.problems.length, "problem");
  if (contents.type !== "app-image" || contents.descriptor === null) return `${contents.type}, ${verdict}`;
  return `${contents.descriptor.projectName} ${contents.descriptor.version}, ${verdict}`;
}

function suggestionLines(inspection: Inspection): string[] {
  const table = inspection.type === "flash" ? inspection.partitionTable : inspection;
  if (table?.type !== "partition-table" || table.suggestion === null) return [];
  const { flashSize, csv } = table.suggestion;
  const intro = `  A partitions.csv on which updates work, for a flash of ${formatSize(flashSize)}:`;
  return [
    "",
    intro,
    "",
    ...csv
      .trimEnd()
      .split("\n")
      .map((line) => `    ${printable(line)}`),
  ];
}

function describe({ message, offset }: InspectProblem): string {
  return printable(
    offset === undefined || message.includes("(offset ") ? message : `${message} (offset ${formatHex(offset)})`,
  );
}

function forChip(chip: string | null): string {
  return chip === null ? "" : ` for the ${chip}`;
}

function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function indent(line: string): string {
  return line === "" ? line : `  ${line}`;
}
