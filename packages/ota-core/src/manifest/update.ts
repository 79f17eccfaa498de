import { assert } from "../assert.ts";
import { utf8 } from "../bytes.ts";
import type { JsonSpan } from "../json/strict-json.ts";
import { pointerSegment } from "../json/strict-json.ts";
import type { VersionEntry } from "../schemas/types.generated.ts";
import { MANIFEST_SIZE_MAX, parseDocument, tooLarge } from "./document.ts";
import { parseRootManifest } from "./root.ts";

/** A version's entry as `package --update-manifest` writes it. */
export interface NewVersionEntry {
  readonly id: string;
  /** Path of the version manifest, relative to the root manifest's folder, with forward slashes. */
  readonly manifest: string;
  /** Label of the version. @defaultValue The label of the existing entry, if any */
  readonly label?: string;
}

/**
 * Adds a version to a root manifest's text, or updates the existing entry with its id.
 *
 * Edits only the text that changes, so that a review shows nothing else: order of members, indentation, line ends,
 * spellings and unknown members stay. A new entry has the layout of the last one.
 *
 * @param text - Text of the root manifest file.
 * @param file - Name of the file, for messages.
 * @returns The new text, or the same text if nothing changes.
 * @throws {@link OtaError} as `parseRootManifest`, when `text` is no root manifest; `manifest/invalid` when the entry
 *   would make it larger than 1 MiB.
 */
export function addVersion(text: string, entry: NewVersionEntry, file = "manifest.json"): string {
  const { versions } = parseRootManifest(text, file);
  const edited = edit(text, versions, entry, file);
  // The result must not exceed the limit of parseRootManifest.
  const size = utf8(edited).length;
  if (size > MANIFEST_SIZE_MAX) throw tooLarge(file, size);
  return edited;
}

function edit(text: string, versions: readonly VersionEntry[], entry: NewVersionEntry, file: string): string {
  const spans = new Map<string, JsonSpan>();
  parseDocument(text, file, spans);
  const index = versions.findIndex(({ id }) => id === entry.id);
  const existing = versions[index];
  if (existing !== undefined) return replaceEntry(text, spans, index, existing, entry);
  return versions.length === 0 ? insertFirst(text, spans, entry) : append(text, spans, versions, entry);
}

/** Layout of one object in the file: the text between its braces, names and values. */
interface Layout {
  readonly open: string;
  readonly colon: string;
  readonly separator: string;
  readonly close: string;
}

function replaceEntry(
  text: string,
  spans: ReadonlyMap<string, JsonSpan>,
  index: number,
  existing: VersionEntry,
  entry: NewVersionEntry,
): string {
  const pointer = `/versions/${index}`;
  const edits: { start: number; end: number; text: string }[] = [];
  if (existing.manifest !== entry.manifest) {
    edits.push({ ...spanAt(spans, `${pointer}/manifest`), text: JSON.stringify(entry.manifest) });
  }
  if (entry.label !== undefined && existing.label === undefined) {
    const names = Object.keys(existing);
    const layout = layoutOf(text, spans, pointer, names);
    const end = Math.max(...names.map((name) => spanAt(spans, `${pointer}/${pointerSegment(name)}`).end));
    edits.push({ start: end, end, text: `${layout.separator}"label"${layout.colon}${JSON.stringify(entry.label)}` });
  } else if (entry.label !== undefined && existing.label !== entry.label) {
    edits.push({ ...spanAt(spans, `${pointer}/label`), text: JSON.stringify(entry.label) });
  }
  // From the end to the start, so that an edit does not move the next one.
  edits.sort((left, right) => right.start - left.start);
  return edits.reduce(
    (edited, { start, end, text: insert }) => edited.slice(0, start) + insert + edited.slice(end),
    text,
  );
}

function append(
  text: string,
  spans: ReadonlyMap<string, JsonSpan>,
  versions: readonly VersionEntry[],
  entry: NewVersionEntry,
): string {
  const pointer = `/versions/${versions.length - 1}`;
  const last = spanAt(spans, pointer);
  const names = Object.keys(versions.at(-1) ?? {});
  const isFirst = versions.length === 1;
  const before = isFirst ? spanAt(spans, "/versions").start + 1 : spanAt(spans, `/versions/${versions.length - 2}`).end;
  const between = text.slice(before, spanAt(spans, pointer).start);
  const layout = layoutOf(text, spans, pointer, names);
  const separator = isFirst ? `,${between === "" && layout.colon.endsWith(" ") ? " " : between}` : between;
  return text.slice(0, last.end) + separator + objectText(entry, layout, names) + text.slice(last.end);
}

/** Inserts the first entry. With no entry to copy the layout from, uses that of the root object. */
function insertFirst(text: string, spans: ReadonlyMap<string, JsonSpan>, entry: NewVersionEntry): string {
  const { start, end, name } = spanAt(spans, "/versions");
  assert(name !== undefined, "versions is a member of the root object");
  const lead = /(\r\n|\n|\r)([ \t]*)$/.exec(text.slice(0, name.start));
  const [, endOfLine = "", indent = ""] = lead ?? [];
  const colon = text.slice(name.end, start);
  const layout =
    lead === null
      ? { open: "", colon, separator: colon.endsWith(" ") ? ", " : ",", close: "" }
      : {
          open: endOfLine + indent.repeat(3),
          colon,
          separator: `,${endOfLine}${indent.repeat(3)}`,
          close: endOfLine + indent.repeat(2),
        };
  const list = `[${layout.close}${objectText(entry, layout, [])}${lead === null ? "" : endOfLine + indent}]`;
  return text.slice(0, start) + list + text.slice(end);
}

/** Returns the layout of an object with at least two members, like every version entry. */
function layoutOf(
  text: string,
  spans: ReadonlyMap<string, JsonSpan>,
  pointer: string,
  names: readonly string[],
): Layout {
  const object = spanAt(spans, pointer);
  const members = names.map((name) => spanAt(spans, `${pointer}/${pointerSegment(name)}`));
  // Object.keys returns numeric names first, not in the order of the text.
  members.sort((left, right) => left.start - right.start);
  const [first, second] = members;
  const last = members.at(-1);
  assert(first?.name !== undefined && second?.name !== undefined && last !== undefined, "an entry has id and manifest");
  return {
    open: text.slice(object.start + 1, first.name.start),
    colon: text.slice(first.name.end, first.start),
    separator: text.slice(first.end, second.name.start),
    close: text.slice(last.end, object.end - 1),
  };
}

/** Formats an entry in a given layout, with its members in the order of `names`. */
function objectText(
  entry: NewVersionEntry,
  { open, colon, separator, close }: Layout,
  names: readonly string[],
): string {
  const members = Object.entries({ id: entry.id, manifest: entry.manifest, label: entry.label }).filter(
    (member): member is [string, string] => member[1] !== undefined,
  );
  const rank = (name: string): number => (names.includes(name) ? names.indexOf(name) : names.length);
  members.sort(([left], [right]) => rank(left) - rank(right));
  const texts = members.map(([name, value]) => JSON.stringify(name) + colon + JSON.stringify(value));
  return `{${open}${texts.join(separator)}${close}}`;
}

function spanAt(spans: ReadonlyMap<string, JsonSpan>, pointer: string): JsonSpan {
  const span = spans.get(pointer);
  assert(span !== undefined, "the pointer comes from the parsed value");
  return span;
}
