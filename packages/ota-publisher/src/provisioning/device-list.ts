import { resolve } from "node:path";
import { decodeText, OtaError } from "@tinybms/ota-core";
import { type CsvRow, readCsvRows } from "@tinybms/ota-core/esp";
import { folderOf, readPems } from "./common-members.ts";
import { readInputFile } from "./input-file.ts";
import type { ProvisioningMembers } from "./provision-options.ts";

/** Device in a list, with its own settings. */
export interface ListedDevice {
  readonly members: ProvisioningMembers;
  /** Its row in the list; `undefined` for a device that an option names. */
  readonly place: ListPlace | undefined;
}

/** Row of a device list. */
export interface ListPlace {
  readonly file: string;
  /** Line number, from 1. */
  readonly line: number;
}

/** Largest device list in bytes: about a hundred thousand devices. */
const LIST_SIZE_MAX = 16 * 1024 * 1024;

/** Columns of a list: settings as text, and paths of PEM files. */
const TEXT_COLUMNS = ["device_id", "broker", "topic", "product", "username", "password"] as const;
const FILE_COLUMNS = ["ca_certificate", "certificate", "private_key"] as const;
const COLUMNS: readonly string[] = [...TEXT_COLUMNS, ...FILE_COLUMNS, "tags"];

/** Fields of a device in a list. */
export interface ListRow {
  readonly place: ListPlace;
  /** Returns the field of a column; `undefined` if it is empty or the list has no such column. */
  fieldOf(column: string): string | undefined;
}

/**
 * Reads a device list: CSV whose header has `device_id` and any other settings, in any order. The columns
 * `ca_certificate`, `certificate` and `private_key` hold paths of PEM files, relative to the list. For an empty field,
 * the setting for all devices applies. The column `tags` is checked; it is for `deploy --tag`.
 *
 * @throws {@link OtaError} `provisioning/unreadable`, `provisioning/list-invalid` with line and column.
 */
export async function readDeviceList(file: string): Promise<readonly ListedDevice[]> {
  const listed: ListedDevice[] = [];
  for (const row of await readListRows(file)) listed.push(await deviceOf(row));
  return listed;
}

/**
 * Reads the rows of a device list. The file may be UTF-8, or UTF-16 with a byte-order mark.
 *
 * @returns Rows that name a device.
 * @throws {@link OtaError} `provisioning/unreadable`, `provisioning/list-invalid` with line and column.
 */
export async function readListRows(file: string): Promise<readonly ListRow[]> {
  const text = decodeText(await readInputFile(file, LIST_SIZE_MAX));
  if (text === undefined) throw new OtaError("provisioning/unreadable", `${file}: it is not UTF-8 or UTF-16`, { file });
  const rows = readCsvRows(text).map((row): CsvRow => {
    if (!("unclosedIndex" in row)) return row;
    throw listFault({ file, line: row.line }, String(row.unclosedIndex + 1), "the quote is never closed");
  });
  const [header, ...devices] = rows;
  const columns = readHeader(file, header);
  if (devices.length === 0)
    throw listFault({ file, line: header?.line ?? 1 }, "device_id", "no row follows the header");
  return devices.map((row) => rowOf(row, columns, file));
}

/**
 * Returns the tags of a device, which are separated by spaces.
 *
 * @throws {@link OtaError} `provisioning/list-invalid`.
 */
export function tagsIn({ place, fieldOf }: ListRow): readonly string[] {
  const tags = (fieldOf("tags") ?? "").split(/\s+/).filter((tag) => tag !== "");
  const wrong = tags.find((tag) => !/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(tag));
  if (wrong === undefined) return tags;
  const rule = "tags are separated by spaces; each is 1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen";
  throw listFault(place, "tags", `${JSON.stringify(wrong)} can't be a tag; ${rule}`);
}

/** Creates the error for a fault in a device list. */
export function listFault(
  { file, line }: ListPlace,
  column: string,
  reason: string,
): OtaError<"provisioning/list-invalid"> {
  const message = `${file}, line ${line}, column ${column}: ${reason}`;
  return new OtaError("provisioning/list-invalid", message, { file, line, column });
}

function readHeader(file: string, header: CsvRow | undefined): readonly string[] {
  const { line, fields } = header ?? { line: 1, fields: [] };
  const columns = fields.map((field) => field.trim());
  if (!columns.includes("device_id")) throw listFault({ file, line }, "device_id", "the header has no such column");
  for (const [index, column] of columns.entries()) {
    if (!COLUMNS.includes(column)) {
      throw listFault({ file, line }, JSON.stringify(column), `a list may have ${COLUMNS.join(", ")}`);
    }
    if (columns.indexOf(column) !== index) throw listFault({ file, line }, column, "the header has it twice");
  }
  return columns;
}

function rowOf({ line, fields }: CsvRow, columns: readonly string[], file: string): ListRow {
  const place = { file, line };
  if (fields.slice(columns.length).some((field) => field !== "")) {
    throw listFault(
      place,
      columns.at(-1) ?? "",
      "the row has more fields than the header; put one with a comma in quotes",
    );
  }
  const fieldOf = (column: string): string | undefined => fields[columns.indexOf(column)] || undefined;
  if (fieldOf("device_id") === undefined) throw listFault(place, "device_id", "the device has no name");
  return { place, fieldOf };
}

async function deviceOf(row: ListRow): Promise<ListedDevice> {
  const { place, fieldOf } = row;
  tagsIn(row);
  const texts = TEXT_COLUMNS.flatMap((column) => {
    const value = fieldOf(column);
    return value === undefined ? [] : [[column, value] as const];
  });
  const pathOf = (column: string): string | undefined => {
    const value = fieldOf(column);
    return value === undefined ? undefined : resolve(folderOf(place.file), value);
  };
  const paths = { ca: pathOf("ca_certificate"), cert: pathOf("certificate"), key: pathOf("private_key") };
  const pems = await readPems(paths).catch((error: unknown) => {
    throw error instanceof OtaError ? listFault(place, FILE_COLUMNS.join(", "), error.message) : error;
  });
  return { members: { ...Object.fromEntries(texts), ...pems }, place };
}
