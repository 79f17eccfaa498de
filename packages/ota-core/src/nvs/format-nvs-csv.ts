import { equalBytes, toBase64, toHex } from "../bytes.ts";
import { isOtaError, OtaError } from "../errors.ts";
import { CSV_FIELD_LENGTH_MAX, NVS_CSV_COLUMNS, parseNvsCsv } from "./nvs-csv.ts";
import { groupNvsEntries, type NvsEntryInput, type NvsPairInput } from "./nvs-entry-input.ts";
import { isNvsWifiKey, NVS_WIFI_BLOB_KEYS } from "./nvs-wifi-keys.ts";

/**
 * Formats entries as CSV for Espressif's NVS partition generator, each namespace in one block. Blobs are hexadecimal,
 * or base64 if that would be too long.
 *
 * @returns Text from which {@link parseNvsCsv} and the generator create the same entries.
 * @throws {@link OtaError} `nvs/entry-invalid` for invalid entries, and for what the format can't express: a string
 *   with a carriage return or a line that begins with `#`, a blob above 98304 bytes, and keys of the Wi-Fi driver
 *   without the blobs that the generator would add.
 */
export function formatNvsCsv(entries: readonly NvsEntryInput[]): string {
  const text = render(entries, () => true);
  const wifi = entries.find((entry) => entry.type !== "namespace" && isNvsWifiKey(entry.key));
  if (wifi === undefined) return text;
  // The generator adds blobs for this key. Omit them if it adds the same ones.
  const short = render(entries, (pair) => !NVS_WIFI_BLOB_KEYS.has(pair.key));
  for (const candidate of [text, short]) if (givesEntries(candidate, entries)) return candidate;
  const message = "the generator adds blobs beside keys of the Wi-Fi driver, and other ones than these entries have";
  throw inexpressible(wifi, message);
}

function render(entries: readonly NvsEntryInput[], wants: (pair: NvsPairInput) => boolean): string {
  const rows = [NVS_CSV_COLUMNS.join(",")];
  for (const { name, pairs } of groupNvsEntries(entries)) {
    rows.push(`${quote(name)},namespace,,`);
    for (const pair of pairs) {
      if (wants(pair)) rows.push(`${quote(pair.key)},data,${encodingOf(pair)},${fieldOf(pair)}`);
    }
  }
  return `${rows.join("\n")}\n`;
}

function encodingOf({ type, value }: NvsPairInput): string {
  if (type !== "blob") return type;
  return 2 * value.length <= CSV_FIELD_LENGTH_MAX ? "hex2bin" : "base64";
}

function fieldOf(pair: NvsPairInput): string {
  if (pair.type === "string") {
    if (/\r|\n#/.test(pair.value)) throw inexpressible(pair, "has a carriage return, or a line that begins with #");
    return quote(pair.value);
  }
  if (pair.type !== "blob") return String(pair.value);
  if (encodingOf(pair) === "hex2bin") return toHex(pair.value);
  const text = toBase64(pair.value);
  if (text.length > CSV_FIELD_LENGTH_MAX) throw inexpressible(pair, "is too long a blob");
  return text;
}

/** Formats a field, in quotes if necessary. A line must not begin with `#`. */
function quote(text: string): string {
  return /[",\n#]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function givesEntries(text: string, entries: readonly NvsEntryInput[]): boolean {
  try {
    const found = groupNvsEntries(parseNvsCsv(text)).flatMap(({ pairs }) => pairs);
    const wanted = groupNvsEntries(entries).flatMap(({ pairs }) => pairs);
    return found.length === wanted.length && found.every((pair, index) => isSamePair(pair, wanted[index]));
  } catch (error) {
    if (isOtaError(error)) return false;
    throw error;
  }
}

function isSamePair(left: NvsPairInput, right: NvsPairInput | undefined): boolean {
  if (right === undefined || left.namespace !== right.namespace || left.key !== right.key) return false;
  if (left.type === "blob") return right.type === "blob" && equalBytes(left.value, right.value);
  return left.type === right.type && String(left.value) === String(right.value);
}

function inexpressible(entry: NvsEntryInput, problem: string): OtaError<"nvs/entry-invalid"> {
  const { namespace } = entry;
  const key = entry.type === "namespace" ? "" : entry.key;
  const message = `${namespace}/${key} can't be written in the generator's CSV: ${problem}`;
  return new OtaError("nvs/entry-invalid", message, { namespace, key });
}
