import { decodeText, decodeUtf8 } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { type CsvRow, readCsvRows, type UnclosedCsvRow } from "./csv-rows.ts";
import { type NvsCsvSource, parseNvsCsvValue } from "./nvs-csv-value.ts";
import { type NvsEntryInput, type NvsPairInput, nvsNameProblem } from "./nvs-entry-input.ts";
import { isNvsWifiKey, NVS_WIFI_BLOB_KEYS, NvsWifiBlobs } from "./nvs-wifi-keys.ts";

/** Returns the content of the file that a row of type `file` names, or `undefined` if the file does not exist. */
export type NvsFileReader = (path: string) => Uint8Array | undefined;

/** The columns, in the order in which they are written. */
export const NVS_CSV_COLUMNS = ["key", "type", "encoding", "value"] as const;

/** Maximum length of a field that Python's `csv` reads. */
export const CSV_FIELD_LENGTH_MAX = 131_072;

const LINE_FEED = 0x0a;

type Column = (typeof NVS_CSV_COLUMNS)[number];

/** Index of each column in the header. */
interface Header {
  readonly width: number;
  readonly indices: Readonly<Record<Column, number>>;
}

/**
 * Parses the CSV format of Espressif's NVS partition generator: a header `key,type,encoding,value` and rows of type
 * `namespace`, `data` and `file`. Skips lines that begin with `#`.
 *
 * Refuses input that the generator accepts but writes in an unexpected way:
 *
 * - a namespace that is opened again after another one (its keys would go to the other one),
 * - a repeated key, a key before any namespace, or a key that is not ASCII,
 * - encodings in capital letters, and columns beyond those of the header.
 *
 * Skips a byte-order mark, which the generator rejects. Adds blobs for the Wi-Fi driver's keys `sta.ssid`, `sta.pswd`
 * and `ap.…`, as the generator does.
 *
 * @param csv - Text, or the bytes of a file in UTF-8, or in UTF-16 with a byte-order mark.
 * @param readFile - Reads the files of rows of type `file`. Without it, such rows are refused.
 * @returns Entries for `buildNvsPartition`, in the order of the rows. A namespace without values gives an entry of type
 *   `namespace`.
 * @throws {@link OtaError} `nvs/csv-invalid` with the line, from 1, and the column; without a column if the line is not
 *   UTF-8.
 */
export function parseNvsCsv(csv: string | Uint8Array, readFile?: NvsFileReader): readonly NvsEntryInput[] {
  const text = typeof csv === "string" ? csv : decodeCsv(csv);
  const [header, ...rows] = readCsvRows(text.replace(/^\uFEFF/, ""));
  const parser = new NvsCsvParser(readFile);
  const columns = readHeader(header === undefined ? { line: 1, fields: [] } : closed(header));
  for (const row of rows) parser.readRow(closed(row), columns);
  return parser.entries();
}

class NvsCsvParser {
  readonly #readFile: NvsFileReader | undefined;
  readonly #wifi: NvsWifiBlobs = new NvsWifiBlobs();
  /** Line of each key of each namespace, in the order of the rows. */
  readonly #namespaces: Map<string, Map<string, number>> = new Map();
  readonly #entries: NvsEntryInput[] = [];
  #namespace: string | undefined;

  constructor(readFile: NvsFileReader | undefined) {
    this.#readFile = readFile;
  }

  /** Returns the entries, including empty namespaces. */
  entries(): readonly NvsEntryInput[] {
    return this.#entries.filter(({ namespace, type }) => {
      return type !== "namespace" || this.#namespaces.get(namespace)?.size === 0;
    });
  }

  readRow({ line, fields }: CsvRow, header: Header): void {
    const field = (column: Column): string => {
      const text = fields[header.indices[column]];
      if (text === undefined) throw invalid(line, column, "the row ends before this column");
      return text;
    };
    if (fields.slice(header.width).some((text) => text !== "")) {
      throw invalid(line, "value", "the row has more columns than the header; put a value with a comma into quotes");
    }
    const key = field("key");
    const type = field("type");
    const problem = nvsNameProblem(key);
    if (problem !== undefined) throw invalid(line, "key", `it ${problem}`);
    if (type === "namespace") return this.#openNamespace(line, key);
    if (type !== "data" && type !== "file") {
      throw invalid(line, "type", `${JSON.stringify(type)} is not namespace, data or file`);
    }
    const namespace = this.#namespace;
    if (namespace === undefined) throw invalid(line, "key", "no row of type namespace stands before this one");
    const value = field("value");
    const source: NvsCsvSource = type === "data" ? { text: value } : this.#contentOf(line, key, value);
    const pair = parseNvsCsvValue({ namespace, key }, field("encoding"), source);
    if (!("type" in pair)) throw invalid(line, pair.column, pair.message);
    for (const blob of this.#wifi.before(key, value)) this.#add(line, { namespace, type: "blob", ...blob });
    this.#add(line, pair);
    for (const blob of this.#wifi.after(key)) this.#add(line, { namespace, type: "blob", ...blob });
  }

  #openNamespace(line: number, name: string): void {
    if (this.#namespaces.has(name) && name !== this.#namespace) {
      const reason = `the generator would write what follows to ${JSON.stringify(this.#namespace)}`;
      throw invalid(line, "key", `the namespace ${name} is opened again; ${reason}: keep its rows together`);
    }
    if (!this.#namespaces.has(name)) {
      this.#namespaces.set(name, new Map());
      this.#entries.push({ namespace: name, type: "namespace" });
    }
    this.#namespace = name;
  }

  #contentOf(line: number, key: string, path: string): NvsCsvSource {
    if (isNvsWifiKey(key)) throw invalid(line, "type", `of ${key} the generator would write the file's name; use data`);
    if (this.#readFile === undefined) throw invalid(line, "type", "there is no way to read files here; use data");
    const bytes = this.#readFile(path);
    if (bytes === undefined) throw invalid(line, "value", `the file ${JSON.stringify(path)} can't be read`);
    return { bytes };
  }

  #add(line: number, pair: NvsPairInput): void {
    const lines = this.#namespaces.get(pair.namespace);
    const earlier = lines?.get(pair.key);
    if (earlier !== undefined) {
      const added = NVS_WIFI_BLOB_KEYS.has(pair.key) ? "; the generator adds it beside keys of the Wi-Fi driver" : "";
      const message = `${pair.key} occurs twice in the namespace ${pair.namespace}: line ${earlier} has it already${added}`;
      throw invalid(line, "key", message);
    }
    lines?.set(pair.key, line);
    this.#entries.push(pair);
  }
}

function decodeCsv(bytes: Uint8Array): string {
  const text = decodeText(bytes);
  if (text !== undefined) return text;
  let line = 1;
  for (let start = 0; ; line++) {
    const end = bytes.indexOf(LINE_FEED, start);
    if (end < 0 || decodeUtf8(bytes.subarray(start, end)) === undefined) break;
    start = end + 1;
  }
  const message = `line ${line}: it is no valid UTF-8; save the file in that encoding`;
  throw new OtaError("nvs/csv-invalid", message, { line, column: "" });
}

function readHeader({ line, fields }: CsvRow): Header {
  const indexOf = (column: Column): number => {
    const index = fields.lastIndexOf(column);
    if (index >= 0) return index;
    throw invalid(line, column, `the header has no such column; it must be ${NVS_CSV_COLUMNS.join(",")}`);
  };
  const [key, type, encoding, value] = NVS_CSV_COLUMNS;
  const indices = { key: indexOf(key), type: indexOf(type), encoding: indexOf(encoding), value: indexOf(value) };
  return { width: fields.length, indices };
}

/** Checks that a row has no unclosed quote and no field that is too long for Python's reader, and returns it. */
function closed(row: CsvRow | UnclosedCsvRow): CsvRow {
  if ("unclosedIndex" in row) throw invalid(row.line, columnName(row.unclosedIndex), "the quote is never closed");
  const index = row.fields.findIndex((field) => field.length > CSV_FIELD_LENGTH_MAX);
  if (index < 0) return row;
  const length = row.fields[index]?.length ?? 0;
  const message = `it has ${length} characters, and Python reads ${CSV_FIELD_LENGTH_MAX}; put the value into a file`;
  throw invalid(row.line, columnName(index), message);
}

function columnName(index: number): string {
  return NVS_CSV_COLUMNS[index] ?? String(index + 1);
}

function invalid(line: number, column: string, message: string): OtaError<"nvs/csv-invalid"> {
  return new OtaError("nvs/csv-invalid", `line ${line}, column ${column}: ${message}`, { line, column });
}
