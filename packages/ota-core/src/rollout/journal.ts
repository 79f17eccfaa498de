import { toHex, utf8 } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { validateJournalRecord } from "../schemas/journal-validators.generated.ts";
import { sha256 } from "../sha256.ts";
import type { RolloutRecord } from "./rollout-record.ts";

/** Version of the journal's form. */
const JOURNAL_VERSION = 1;

/** Hash that the first line names. */
const NO_LINE = "0".repeat(64);

/** A journal that was read. */
export interface Journal {
  readonly records: readonly RolloutRecord[];
  /** SHA-256 of the last line: 64 hexadecimal digits. */
  readonly hash: string;
  /** Bytes of the whole lines. What follows is a line that was not written to its end. */
  readonly sizeBytes: number;
}

/** A journal without lines. */
export const EMPTY_JOURNAL: Journal = { records: [], hash: NO_LINE, sizeBytes: 0 };

/**
 * Returns the next line of a journal, with its line feed. Each line names the SHA-256 of the line before it, so that a
 * line that was changed, removed or added is found.
 *
 * @param hash - SHA-256 of the line before: `Journal.hash`.
 */
export function journalLine(hash: string, record: RolloutRecord): { readonly line: string; readonly hash: string } {
  const text = JSON.stringify({ journal: JOURNAL_VERSION, before: hash, ...record });
  return { line: `${text}\n`, hash: hashOf(text) };
}

/**
 * Reads a journal. Passes over a last line without its line feed: it was being written when the process ended.
 *
 * @param file - Name of the file, for messages.
 * @throws {@link OtaError} `journal/damaged` with the line that does not follow from the one before;
 *   `journal/newer` if a newer version of the tool wrote it.
 */
export function readJournal(text: string, file: string): Journal {
  const lines = text.split("\n");
  lines.pop();
  const records: RolloutRecord[] = [];
  let hash = NO_LINE;
  let sizeBytes = 0;
  for (const [index, line] of lines.entries()) {
    records.push(recordOf(line, hash, file, index + 1));
    hash = hashOf(line);
    sizeBytes += utf8(line).length + 1;
  }
  if (records.length > 0 && records[0]?.type !== "rollout") throw damaged(file, 1, "it does not begin a rollout");
  return { records, hash, sizeBytes };
}

/** Returns the rollout that a journal is about; `undefined` if it is empty. */
export function rolloutOf({ records }: Journal): (RolloutRecord & { readonly type: "rollout" }) | undefined {
  const [first] = records;
  return first?.type === "rollout" ? first : undefined;
}

function recordOf(line: string, hash: string, file: string, number: number): RolloutRecord {
  const document = parsed(line);
  if (document === undefined) throw damaged(file, number, "it is not JSON");
  const { journal, before, ...record } = document;
  if (typeof journal === "number" && journal > JOURNAL_VERSION) throw newer(file, journal);
  if (journal !== JOURNAL_VERSION || before !== hash) {
    throw damaged(file, number, "it does not follow from the line before it");
  }
  if (!validateJournalRecord(record)) throw damaged(file, number, "it is not a record of a rollout");
  return record;
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function hashOf(line: string): string {
  return toHex(sha256(utf8(line)));
}

function damaged(file: string, line: number, why: string): OtaError<"journal/damaged"> {
  const message = `${file}:${line}: the journal was changed after it was written: ${why}`;
  const hint = "restore the file; a rollout can't go on from a journal that was edited";
  return new OtaError("journal/damaged", message, { file, line }, { hint });
}

function newer(file: string, version: number): OtaError<"journal/newer"> {
  const message = `${file} has form ${version}; this version of the tool reads up to ${JOURNAL_VERSION}`;
  const hint = "use the version of tinybms-ota that began the rollout, or a newer one";
  return new OtaError("journal/newer", message, { file, found: version }, { hint });
}
