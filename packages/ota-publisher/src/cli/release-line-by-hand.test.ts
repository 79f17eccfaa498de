import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addVersion, sha256, toHex } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCommand } from "../../test/release-line.ts";

let folder = "";
let manifest = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-by-hand-"));
  manifest = join(folder, "manifest.json");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const OLD_IMAGE = buildAppImage({ chip: "esp32s3", version: "1.0.0", projectName: "gateway", sizeBytes: 40_000 });
const NEW_IMAGE = buildAppImage({ chip: "esp32s3", version: "1.1.0", projectName: "gateway", sizeBytes: 48_000 });

/** As people wrote it for the Python scripts, with every member that they read and some that they only kept. */
const ROOT_TEXT = `{
  "$schema": "../schemas/ota-manifest.schema.json",
  "schema_version": 1,
  "documentation": "docs/ota.md",
  "product": {
    "name": "TinyBMS Web Gateway",
    "hardware": "esp32",
    "vendor": "TinyBMS"
  },
  "deployment": {
    "channels": {
      "mqtt": {
        "broker": "mqtt://broker.local:1883",
        "topic": "tinybms/gateway/ota",
        "qos": 1,
        "retain": false,
        "keepalive": 60,
        "insecure": false
      },
      "https": {
        "url": "https://updates.example.com/tinybms/firmware.bin",
        "method": "PUT",
        "headers": {
          "X-Site": "north"
        },
        "timeout": 30,
        "verify": true
      }
    },
    "default_protocols": ["mqtt", "https"],
    "notes": "ask before you deploy on a Friday"
  },
  "versions": [
    {
      "id": "1.0.0",
      "label": "First release",
      "manifest": "versions/1.0.0/ota.json",
      "released_by": "Ada"
    }
  ]
}
`;

/** What `json.dumps(…, indent=2, sort_keys=True)` of package.py wrote: channels copied, dates of `isoformat()`. */
const VERSION_TEXT = `{
  "artifacts": [
    {
      "channels": {
        "mqtt": {
          "broker": "mqtt://broker.local:1883",
          "qos": 1,
          "topic": "tinybms/gateway/ota"
        }
      },
      "filename": "TinyBMS Web Gateway-1.0.0.bin",
      "name": "TinyBMS Web Gateway",
      "protocols": [
        "mqtt",
        "https"
      ],
      "sha256": "${toHex(sha256(OLD_IMAGE))}",
      "size": ${OLD_IMAGE.length}
    }
  ],
  "base_path": "binaries",
  "channels": {
    "mqtt": {
      "broker": "mqtt://broker.local:1883",
      "qos": 1,
      "topic": "tinybms/gateway/ota"
    }
  },
  "created_at": "2025-11-02T10:11:12.345678+00:00",
  "version": "1.0.0"
}
`;

function writeLine(rootText = ROOT_TEXT): void {
  writeFileSync(manifest, rootText);
  const version = join(folder, "versions", "1.0.0");
  mkdirSync(join(version, "binaries"), { recursive: true });
  writeFileSync(join(version, "ota.json"), VERSION_TEXT);
  writeFileSync(join(version, "binaries", "TinyBMS Web Gateway-1.0.0.bin"), OLD_IMAGE);
}

const run = (...args: string[]) => runCommand([...args, "--manifest", manifest]);

function packageNew(...args: string[]) {
  const binary = join(folder, "gateway.bin");
  writeFileSync(binary, NEW_IMAGE);
  return run("package", "--binary", binary, "--update-manifest", ...args);
}

/** The lines that differ between the first and the last that do, as a review shows them. */
function diff(before: string, after: string): string[] {
  const [old, fresh] = [before.split("\n"), after.split("\n")];
  let start = 0;
  while (start < old.length && old[start] === fresh[start]) start++;
  let end = 0;
  while (end < Math.min(old.length, fresh.length) - start && old.at(-1 - end) === fresh.at(-1 - end)) end++;
  const removed = old.slice(start, old.length - end).map((line) => `-${line}`);
  return [...removed, ...fresh.slice(start, fresh.length - end).map((line) => `+${line}`)];
}

test("a release line written for the Python scripts validates and deploys dry", async () => {
  writeLine();
  expect(await run("validate", "--json")).toMatchObject({ exitCode: 0 });
  expect(JSON.parse((await run("validate", "--json")).stdout)).toEqual({ valid: true, problems: [] });
  const planned = await run("deploy", "--version", "1.0.0", "--dry-run", "--json");
  expect(planned).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(planned.stdout)).toMatchObject({
    version: "1.0.0",
    dryRun: true,
    deliveries: [
      { artifact: "TinyBMS Web Gateway", transport: "mqtt", size: OLD_IMAGE.length, outcome: "planned" },
      { artifact: "TinyBMS Web Gateway", transport: "https", size: OLD_IMAGE.length, outcome: "planned" },
    ],
  });
});

test("package extends it by one entry, and a review shows nothing else", async () => {
  writeLine();
  expect((await packageNew("--label", "Faster")).exitCode).toBe(0);
  expect(diff(ROOT_TEXT, readFileSync(manifest, "utf8"))).toEqual([
    "+    },",
    "+    {",
    '+      "id": "1.1.0",',
    '+      "label": "Faster",',
    '+      "manifest": "versions/1.1.0/ota.json"',
  ]);
  expect(readFileSync(join(folder, "versions", "1.0.0", "ota.json"), "utf8")).toBe(VERSION_TEXT);
  expect(JSON.parse((await run("validate", "--json")).stdout)).toEqual({ valid: true, problems: [] });
  expect((await run("deploy", "--version", "1.1.0", "--dry-run")).exitCode).toBe(0);
});

test("the version manifest that package writes has no copy of the root's channels", async () => {
  writeLine(ROOT_TEXT.replace('"qos": 1,', '"qos": 1, "password": "hunter2",'));
  expect((await packageNew()).exitCode).toBe(0);
  const version = readFileSync(join(folder, "versions", "1.1.0", "ota.json"), "utf8");
  expect(version).not.toMatch(/channels|hunter2/);
});

test("packaging the same bytes again changes no byte of either manifest", async () => {
  writeLine();
  await packageNew("--label", "Faster");
  const read = () =>
    [manifest, join(folder, "versions", "1.1.0", "ota.json")].map((file) => readFileSync(file, "utf8"));
  const before = read();
  expect((await packageNew()).exitCode).toBe(0);
  expect(read()).toEqual(before);
});

test.for([
  ["sorted by Python, four spaces", (text: string) => `${JSON.stringify(sorted(JSON.parse(text)), null, 4)}\n`],
  [
    "with tabs and CRLF, without an end of line",
    (text: string) => JSON.stringify(JSON.parse(text), null, "\t").replaceAll("\n", "\r\n"),
  ],
  ["with a byte-order mark", (text: string) => `\uFEFF${text}`],
] as const)("a root manifest %s keeps its form", ([, reform]) => {
  const before = reform(ROOT_TEXT);
  const after = addVersion(before, { id: "1.1.0", manifest: "versions/1.1.0/ota.json", label: "Faster" });
  const lines = diff(before, after).map((line) => line.trimEnd());
  const endOfLine = before.includes("\r\n") ? "\r\n" : "\n";
  const indent = /\n([ \t]+)"/.exec(before)?.[1] ?? "";
  expect(lines).toEqual([
    `+${indent.repeat(2)}},`,
    `+${indent.repeat(2)}{`,
    `+${indent.repeat(3)}"id": "1.1.0",`,
    `+${indent.repeat(3)}"label": "Faster",`,
    `+${indent.repeat(3)}"manifest": "versions/1.1.0/ota.json"`,
  ]);
  expect(after.split(endOfLine).length).toBe(before.split(endOfLine).length + 5);
  expect(after.startsWith("\uFEFF")).toBe(before.startsWith("\uFEFF"));
});

/** An object with its names in order, at every depth, as `sort_keys=True` writes it. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  const members = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(members.map(([name, child]) => [name, sorted(child)]));
}
