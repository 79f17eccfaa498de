import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Problem } from "../errors.ts";
import type { JsonValue } from "../json/strict-json.ts";
import { HTTPS_MEMBERS, isoTimeOf, MQTT_MEMBERS, readRootLoosely, readVersionLoosely } from "./loose-values.ts";
import { parseRootManifest } from "./root.ts";
import { parseVersionManifest } from "./version.ts";

function rootWith(members: object): string {
  return JSON.stringify({ schema_version: 1, product: { name: "P" }, versions: [], ...members });
}

/** What the member of a channel is read as, and what is said of it. */
function readMember(channel: string, member: string, value: unknown) {
  const notes: Problem[] = [];
  const text = rootWith({ deployment: { channels: { [channel]: { [member]: value } } } });
  const { deployment } = parseRootManifest(text, "m", notes);
  const read = deployment?.channels?.[channel] as Record<string, unknown>;
  return { value: read[member], notes: notes.map(({ path, message }) => `${path}: ${message}`) };
}

test.for([
  ["mqtt", "qos", "1", 1, "is a string; it is read as an integer"],
  ["mqtt", "qos", " 2 ", 2, "is a string; it is read as an integer"],
  ["mqtt", "qos", null, undefined, "is null; it counts as absent"],
  ["mqtt", "keepalive", "60", 60, "is a string; it is read as an integer"],
  ["mqtt", "rate", "0", 0, "is a string; it is read as an integer"],
  ["mqtt", "retain", 1, true, "is 1; it is read as true"],
  ["mqtt", "retain", 0, false, "is 0; it is read as false"],
  ["mqtt", "retain", "True", true, "is a string; it is read as true"],
  ["mqtt", "client_id", 7, "7", "is a number; it is read as text"],
  ["mqtt", "client_id", "", undefined, "is empty; it counts as absent"],
  ["mqtt", "username", 4711, "4711", "is a number; it is read as text"],
  ["mqtt", "password", 4711, "4711", "is a number; it is read as text"],
  ["mqtt", "topic", null, undefined, "is null; it counts as absent"],
  ["https", "timeout", "30", 30, "is a string; it is read as a number"],
  ["https", "timeout", "7.5", 7.5, "is a string; it is read as a number"],
  ["https", "timeout", "1e2", 100, "is a string; it is read as a number"],
  ["https", "method", null, undefined, "is null; it counts as absent"],
  ["https", "verify", 0, false, "is 0; it is read as false"],
] as const)("reads %s.%s %j as %j, with one note", ([channel, member, written, value, message]) => {
  const notes = [`/deployment/channels/${channel}/${member}: ${member} ${message}`];
  expect(readMember(channel, member, written)).toEqual({ value, notes });
});

test("reads a numeric header as text, and a null one as absent", () => {
  const { value, notes } = readMember("https", "headers", { "X-Site": 12, "X-Old": null, "X-Name": "n" });
  expect(value).toEqual({ "X-Site": "12", "X-Name": "n" });
  expect(notes).toEqual([
    "/deployment/channels/https/headers/X-Site: X-Site is a number; it is read as text",
    "/deployment/channels/https/headers/X-Old: X-Old is null; it counts as absent",
  ]);
});

test.for([
  ["mqtt", "qos", "high"],
  ["mqtt", "qos", true],
  ["mqtt", "qos", "3"],
  ["mqtt", "keepalive", 60.5],
  ["mqtt", "keepalive", "60.5"],
  ["mqtt", "retain", "false"],
  ["mqtt", "retain", "yes"],
  ["mqtt", "insecure", "false"],
  ["mqtt", "username", true],
  ["mqtt", "password", 2 ** 60],
  ["mqtt", "topic", 7],
  ["mqtt", "broker", ["a", "b"]],
  ["https", "verify", "ca.pem"],
  ["https", "timeout", 0],
  ["https", "timeout", [3, 30]],
  ["https", "headers", { "X-Debug": true }],
  ["https", "headers", [["X-A", "1"]]],
] as const)("refuses %s.%s %j, which has no single meaning", ([channel, member, value]) => {
  expect(() => readMember(channel, member, value)).toThrow(/manifest|\/deployment\/channels/);
});

test("reads protocols in any case, and null where a list or an object may be absent", () => {
  const notes: Problem[] = [];
  const written = { default_protocols: ["MQTT", "Https", "ftp", "FTP"], channels: null };
  const { deployment } = parseRootManifest(rootWith({ deployment: written }), "m", notes);
  expect(deployment).toEqual({ default_protocols: ["mqtt", "https", "ftp", "FTP"] });
  expect(notes.map(({ message }) => message)).toEqual([
    "default_protocols[0] is read as mqtt",
    "default_protocols[1] is read as https",
    "channels is null; it counts as absent",
  ]);
  expect(parseRootManifest(rootWith({ deployment: null }), "m").deployment).toBeUndefined();
});

test("accepts any value in a member that is not used", () => {
  const members = {
    $schema: 7,
    documentation: { schema: "docs/ota.md" },
    owner: [null],
    product: { name: "P", maintainer: ["a"], tags: null },
    deployment: { channels: { mqtt: { topic: "t", note: { a: ["${"] } }, ftp: "later", smtp: null }, windows: 7 },
    versions: [{ id: "1", manifest: "a", label: { en: "first" }, date: 20240101 }],
  };
  const notes: Problem[] = [];
  expect(parseRootManifest(rootWith(members), "m", notes)).toEqual({ schema_version: 1, ...members });
  expect(notes).toEqual([]);
});

test("reads what Python wrote into a version manifest", () => {
  const artifact = { name: 7, filename: "a.bin", size: "20", sha256: "AB".repeat(32), protocols: null, channels: null };
  const document = { version: "1", created_at: 1704067200, base_path: null, channels: null, artifacts: [artifact] };
  const notes: Problem[] = [];
  expect(parseVersionManifest(JSON.stringify(document), "m", "1", notes)).toEqual({
    version: "1",
    artifacts: [{ name: "7", filename: "a.bin", size: 20, sha256: "AB".repeat(32) }],
  });
  expect(notes.map(({ path }) => path)).toEqual([
    "/created_at",
    "/base_path",
    "/channels",
    "/artifacts/0/name",
    "/artifacts/0/size",
    "/artifacts/0/protocols",
    "/artifacts/0/channels",
  ]);
});

test.for([
  ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000Z"],
  ["2024-01-01T00:00:00.123456+00:00", "2024-01-01T00:00:00.123Z"],
  ["2024-01-01T01:00:00+01:00", "2024-01-01T00:00:00.000Z"],
  ["2024-01-01T01:00:00+0100", "2024-01-01T00:00:00.000Z"],
  ["2024-13-45T99:99:99Z", undefined],
  ["0000-01-01T00:00:00+23:59", undefined],
  ["9999-12-31T23:59:59-23:59", undefined],
  ["yesterday", undefined],
] as const)("reads the time %s as %s", ([text, utc]) => {
  expect(isoTimeOf(text)).toBe(utc);
});

test("reading a converted manifest again changes nothing and adds no note", () => {
  const member = fc.constantFrom("product", "deployment", "channels", "mqtt", "https", "qos", "headers", "artifacts");
  const { tree } = fc.letrec<{ tree: JsonValue }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom<JsonValue>(null, true, 0, 1, 1.5, "1", "true", "MQTT", ""),
      fc.dictionary(member, tie("tree"), { noNullPrototype: true }),
      fc.array(tie("tree"), { maxLength: 3 }),
    ),
  }));
  fc.assert(
    fc.property(tree, (document) => {
      for (const read of [readRootLoosely, readVersionLoosely]) {
        const once = read(document, "", []) ?? document;
        const notes: Problem[] = [];
        expect(read(once, "", notes)).toEqual(once);
        expect(notes).toEqual([]);
      }
    }),
  );
});

test("the used members are those of the schema", () => {
  const file = new URL("../../../../schemas/ota-channels.schema.json", import.meta.url);
  const { $defs } = JSON.parse(readFileSync(file, "utf8"));
  expect(Object.keys(MQTT_MEMBERS).sort()).toEqual(Object.keys($defs.MqttChannel.properties).sort());
  expect(Object.keys(HTTPS_MEMBERS).sort()).toEqual(Object.keys($defs.HttpsChannel.properties).sort());
});
