import fc from "fast-check";
import { expect, test } from "vitest";
import { addVersion } from "./update.ts";

const ENTRY = { id: "1.1.0", manifest: "versions/1.1.0/ota.json" };

/** The lines of `after` that `before` hasn't, and the other way round. */
function diff(before: string, after: string): string[] {
  const [old, fresh] = [before.split("\n"), after.split("\n")];
  const removed = old.filter((line) => !fresh.includes(line)).map((line) => `-${line}`);
  return [...removed, ...fresh.filter((line) => !old.includes(line)).map((line) => `+${line}`)];
}

const TWO_SPACES = `{
  "versions": [
    {
      "label": "caf\\u00e9",
      "id": "1.0.0",
      "manifest": "versions/1.0.0/ota.json"
    }
  ],
  "product": { "name": "P",   "x": [1,2] },
  "schema_version": 1.0
}
`;

test("a new version has the layout of the last one, and nothing else changes", () => {
  const after = addVersion(TWO_SPACES, { ...ENTRY, label: "second" });
  expect(diff(TWO_SPACES, after)).toEqual([
    "+    },",
    '+      "label": "second",',
    '+      "id": "1.1.0",',
    '+      "manifest": "versions/1.1.0/ota.json"',
  ]);
  expect(after.replace(/,\n {4}\{\n {6}"label": "second"[^}]*\}/, "")).toBe(TWO_SPACES);
});

test("keeps tabs and CRLF", () => {
  const text =
    '{\r\n\t"schema_version": 1,\r\n\t"product": {},\r\n\t"versions": [\r\n\t\t{\r\n\t\t\t"id": "1.0.0",\r\n\t\t\t"manifest": "a"\r\n\t\t}\r\n\t]\r\n}';
  expect(addVersion(text, ENTRY)).toBe(
    text.replace(
      "\t\t}\r\n\t]",
      '\t\t},\r\n\t\t{\r\n\t\t\t"id": "1.1.0",\r\n\t\t\t"manifest": "versions/1.1.0/ota.json"\r\n\t\t}\r\n\t]',
    ),
  );
});

test.for([
  [
    '{"schema_version":1,"product":{},"versions":[]}',
    '"versions":[{"id":"1.1.0","manifest":"versions/1.1.0/ota.json"}]',
  ],
  [
    '{"schema_version": 1, "product": {}, "versions": [ ]}',
    '"versions": [{"id": "1.1.0", "manifest": "versions/1.1.0/ota.json"}]',
  ],
  [
    '{"schema_version":1,"product":{},"versions":[{"id":"1","manifest":"m"}]}',
    '[{"id":"1","manifest":"m"},{"id":"1.1.0","manifest":"versions/1.1.0/ota.json"}]',
  ],
  [
    '{"schema_version": 1, "product": {}, "versions": [{ "id": "1", "manifest": "m" }]}',
    '[{ "id": "1", "manifest": "m" }, { "id": "1.1.0", "manifest": "versions/1.1.0/ota.json" }]',
  ],
] as const)("on one line: %s", ([text, part]) => {
  expect(addVersion(text, ENTRY)).toContain(part);
});

test("the first version is inserted into an empty list with the file's indentation", () => {
  const text = '{\n    "schema_version": 1,\n    "product": {},\n    "versions": []\n}\n';
  expect(addVersion(text, ENTRY)).toBe(
    text.replace(
      "[]",
      '[\n        {\n            "id": "1.1.0",\n            "manifest": "versions/1.1.0/ota.json"\n        }\n    ]',
    ),
  );
});

test("an entry of the same id is replaced in its place and keeps its label and unknown members", () => {
  const text = TWO_SPACES.replace('"id": "1.0.0",', '"id": "1.0.0", "notes": {"by": "me"},');
  expect(diff(text, addVersion(text, { id: "1.0.0", manifest: "elsewhere/ota.json" }))).toEqual([
    '-      "manifest": "versions/1.0.0/ota.json"',
    '+      "manifest": "elsewhere/ota.json"',
  ]);
  expect(diff(text, addVersion(text, { id: "1.0.0", manifest: "versions/1.0.0/ota.json", label: "new" }))).toEqual([
    '-      "label": "caf\\u00e9",',
    '+      "label": "new",',
  ]);
});

test("a label is added to an entry that has none", () => {
  const text = TWO_SPACES.replace('      "label": "caf\\u00e9",\n', "");
  expect(diff(text, addVersion(text, { id: "1.0.0", manifest: "versions/1.0.0/ota.json", label: "new" }))).toEqual([
    '-      "manifest": "versions/1.0.0/ota.json"',
    '+      "manifest": "versions/1.0.0/ota.json",',
    '+      "label": "new"',
  ]);
});

test("adding an identical entry changes no byte", () => {
  expect(addVersion(TWO_SPACES, { id: "1.0.0", manifest: "versions/1.0.0/ota.json" })).toBe(TWO_SPACES);
});

test("an entry that would make the manifest too large is refused", () => {
  const text = TWO_SPACES.replace("[1,2]", `"${"x".repeat(1024 * 1024 - 300)}"`);
  expect(() => addVersion(text, { ...ENTRY, label: "x".repeat(300) })).toThrow(/a manifest has at most 1048576/);
  expect(addVersion(text, ENTRY)).toContain("1.1.0");
});

test("in any manifest, only the one entry changes, and adding it again changes nothing", () => {
  const text = fc.string({ minLength: 1, maxLength: 8 });
  const extra = fc.dictionary(
    fc
      .string({ maxLength: 3 })
      .filter(
        (name) =>
          name !== "__proto__" &&
          ![
            "id",
            "manifest",
            "label",
            "versions",
            "product",
            "schema_version",
            "deployment",
            "documentation",
            "$schema",
          ].includes(name),
      ),
    fc.jsonValue({ maxDepth: 2 }),
    { maxKeys: 2 },
  );
  const entry = fc.record({ id: text, manifest: text, label: text }, { requiredKeys: ["id", "manifest"] });
  const entries = fc.uniqueArray(
    fc.tuple(extra, entry).map(([more, known]) => ({ ...more, ...known })),
    { selector: ({ id }) => id, maxLength: 4 },
  );
  const root = fc
    .record({ before: extra, versions: entries, after: extra })
    .map(({ before, versions, after }) => ({ ...before, schema_version: 1, product: {}, versions, ...after }));
  const layout = fc.constantFrom(undefined, 1, 2, 4, "\t");
  fc.assert(
    fc.property(root, entry, layout, fc.boolean(), fc.boolean(), (document, added, indent, isCrlf, isKnown) => {
      const known = document.versions[0];
      const change = isKnown && known !== undefined ? { ...added, id: known.id } : added;
      const lines = JSON.stringify(document, null, indent);
      fc.pre(!lines.includes("__proto__"));
      const before = isCrlf ? lines.replaceAll("\n", "\r\n") : lines;
      const after = addVersion(before, change);
      const index = document.versions.findIndex(({ id }) => id === change.id);
      const expected: typeof document = JSON.parse(lines);
      if (index < 0) expected.versions.push(change);
      else Object.assign(expected.versions[index]!, change);
      expect(JSON.parse(after)).toEqual(expected);
      // The layout is JSON.stringify's, so the expected text is too, but for the place of a label and empty lists.
      expect(after.includes("\r\n")).toBe(isCrlf && indent !== undefined);
      expect(addVersion(after, change)).toBe(after);
      const kept = index < 0 ? expected.versions.slice(0, -1) : expected.versions.filter((_, at) => at !== index);
      for (const other of kept) expect(after).toContain(JSON.stringify(other.id));
      if (indent !== undefined && index < 0) {
        const text = JSON.stringify(expected, null, indent).split("\n").sort();
        expect(
          after
            .split(/\r?\n/)
            .map((line) => line.replace(/,$/, ""))
            .sort(),
        ).toEqual(text.map((line) => line.replace(/,$/, "")).sort());
      }
    }),
    { numRuns: 300 },
  );
});
