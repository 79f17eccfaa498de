import { formatHex } from "@tinybms/ota-core";
import type {
  InspectedNvsEntry,
  InspectedSignatureBlock,
  NvsInspection,
  OtadataInspection,
} from "@tinybms/ota-core/esp";
import { fieldLines, indentedTable, moreLines, ROWS_MAX } from "./inspect-columns.ts";

/** Longest NVS value to print, in characters. Longer ones are truncated; `--json` has them complete. */
const VALUE_LENGTH_MAX = 64;

/** Formats the pages and values of an NVS partition. */
export function nvsLines({ version, namespaces, entries, pages }: NvsInspection): string[] {
  const values = entries
    .slice(0, ROWS_MAX)
    .map((entry) => [entry.namespace ?? "?", entry.key, entry.type, `${entry.size}`, valueText(entry)]);
  const pageRows = pages.map(({ offset, state, sequence, used, erased, free }) => [
    formatHex(offset, 6),
    state,
    sequence === null ? "-" : `${sequence}`,
    `${used}`,
    `${erased}`,
    `${free}`,
  ]);
  return [
    ...fieldLines([
      ["format version", version ?? "none: blank"],
      ["namespaces", namespaces.length === 0 ? "none" : namespaces.map(({ name }) => name).join(", ")],
    ]),
    "",
    ...indentedTable(
      ["page", "state", "sequence", "used", "erased", "free"],
      ["left", "left", "right", "right", "right", "right"],
      pageRows,
    ),
    ...(values.length === 0
      ? []
      : [
          "",
          ...indentedTable(
            ["namespace", "key", "type", "bytes", "value"],
            ["left", "left", "left", "right", "left"],
            values,
          ),
          ...moreLines(entries.length, "value"),
        ]),
  ];
}

/** Formats the two entries of an otadata partition. */
export function otadataLines({ entries, active }: OtadataInspection): string[] {
  const rows = entries.map(({ sequence, state, crcMatches, blank, slot }, index) => [
    `${index}`,
    blank ? "-" : `${sequence}`,
    blank ? "blank" : state,
    blank ? "-" : crcMatches ? "right" : "wrong",
    slot === null ? "-" : `ota_${slot}`,
    index === active ? "active" : "",
  ]);
  return [
    "",
    ...indentedTable(
      ["entry", "sequence", "state", "CRC", "slot", ""],
      ["right", "right", "left", "left", "left", "left"],
      rows,
    ),
  ];
}

/** Formats the blocks of a signature sector. */
export function signatureLines(blocks: readonly InspectedSignatureBlock[]): string[] {
  return blocks.flatMap(({ offset, scheme, keyDigest, imageDigest, crcMatches, imageDigestMatches }, index) => [
    ...(index === 0 ? [] : [""]),
    ...fieldLines([
      ["block", `${index} at ${formatHex(offset)}`],
      ["scheme", scheme],
      ["key digest", keyDigest],
      ["image digest", `${imageDigest}${digestText(imageDigestMatches)}`],
      ["CRC", crcMatches ? "right" : "wrong"],
      ["signature", "not verified here"],
    ]),
  ]);
}

function digestText(matches: boolean | null): string {
  if (matches === null) return ", no image to compare with";
  return matches ? ", the image's" : ", not the image's";
}

function valueText({ value, masked, damaged }: InspectedNvsEntry): string {
  if (damaged) return "damaged";
  if (masked) return "hidden (--show-secrets)";
  const text = String(value);
  return text.length <= VALUE_LENGTH_MAX ? text : `${text.slice(0, VALUE_LENGTH_MAX)}…`;
}
