import fc from "fast-check";
import { expect, test } from "vitest";
import { isOtaError, type OtaError } from "../errors.ts";
import type { Artifact } from "../schemas/types.generated.ts";
import { parseRootManifest, protocolsOf } from "./root.ts";
import { parseVersionManifest } from "./version.ts";

const ROOT = { schema_version: 1, product: { name: "TinyBMS Web Gateway", hardware: "esp32" }, versions: [] };
const ARTIFACT: Artifact = { name: "gateway", filename: "gateway.bin", size: 1, sha256: "ab".repeat(32) };
const VERSION = { version: "1.0.0", artifacts: [ARTIFACT] };

function errorOf(run: () => unknown): OtaError {
  try {
    run();
  } catch (error) {
    if (isOtaError(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

test("accepts everything that the original scripts read, and keeps unknown members", () => {
  const document = {
    $schema: "../schemas/ota-manifest.schema.json",
    schema_version: 1,
    documentation: "../docs/ota.md",
    product: { name: "TinyBMS Web Gateway", hardware: "esp32", vendor: { country: "FR" } },
    deployment: {
      channels: {
        mqtt: { broker: "mqtt://localhost:1883", topic: "tinybms/gateway/ota", qos: 1, retain: false, custom: [1] },
        https: { url: "https://updates.example/ota", headers: { "X-Site": "north" }, timeout: 7.5, verify: true },
        carrier_pigeon: { wings: 2 },
      },
      default_protocols: ["mqtt", "https"],
    },
    versions: [{ id: "1.0.0", manifest: "versions/1.0.0/ota.json", label: "first", notes: null }],
    "x-team": { mail: "team@example.com" },
  };
  expect(parseRootManifest(`\uFEFF${JSON.stringify(document)}`, "manifest.json")).toEqual(document);
});

test.for(["2025-11-02T10:11:12.345678+00:00", "2025-11-02T10:11:12Z", "2025-11-02T10:11:12", "2025-11-02"])(
  "created_at %s is accepted",
  (created_at) => {
    expect(parseVersionManifest(JSON.stringify({ ...VERSION, created_at }), "ota.json", "1.0.0").created_at).toBe(
      created_at,
    );
  },
);

test("a torn manifest is refused with line and column", () => {
  const error = errorOf(() => parseRootManifest('{\n  "schema_version": 1,\n  "produ', "ota/manifest.json"));
  expect(error.message).toBe("ota/manifest.json:3:9: the text ends inside a string");
  expect(error).toMatchObject({ code: "manifest/syntax", details: { file: "ota/manifest.json", line: 3, column: 9 } });
});

test("an unsupported schema version is reported before any other problem", () => {
  const error = errorOf(() => parseRootManifest('{"schema_version": 2}', "manifest.json"));
  expect(error).toMatchObject({ code: "manifest/schema-version", details: { found: 2, supported: [1] } });
});

test("the first problem is reported with its place, the others are counted and listed in the details", () => {
  const document = { ...ROOT, deployment: { channels: { mqtt: { qos: 3, rate: -1 } } } };
  const error = errorOf(() => parseRootManifest(JSON.stringify(document), "ota/manifest.json"));
  expect(error.message).toBe(
    "ota/manifest.json: /deployment/channels/mqtt/qos: qos is 3; it must be 0, 1 or 2 (and 1 more fault)",
  );
  expect(isOtaError(error, "manifest/invalid") && error.details.problems.length).toBe(2);
});

test("a manifest above 1 MiB is refused before it is parsed", () => {
  const text = JSON.stringify({ ...ROOT, padding: "x".repeat(1024 * 1024) });
  expect(errorOf(() => parseRootManifest(text, "manifest.json")).message).toMatch(/a manifest has at most 1048576/);
});

test("a version manifest of another version is refused", () => {
  const error = errorOf(() => parseVersionManifest(JSON.stringify(VERSION), "ota.json", "1.0.1"));
  expect(error.message).toBe('ota.json: /version: version is "1.0.0"; the root manifest lists this file as "1.0.1"');
});

test("an artifact's protocols override the root's, and those override the default", () => {
  expect(protocolsOf(ROOT as never, ARTIFACT)).toEqual(["mqtt", "https"]);
  const root = { ...ROOT, deployment: { default_protocols: ["https"] } } as never;
  expect(protocolsOf(root, ARTIFACT)).toEqual(["https"]);
  expect(protocolsOf(root, { ...ARTIFACT, protocols: ["serial"] })).toEqual(["serial"]);
});

test("any text gives a manifest or a manifest/… error", () => {
  const documents = fc.oneof(
    fc.json(),
    fc.string({ unit: "binary" }),
    fc
      .record({
        ...(Object.fromEntries(Object.keys(ROOT).map((name) => [name, fc.jsonValue()])) as Record<
          string,
          fc.Arbitrary<unknown>
        >),
      })
      .map((value) => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(documents, (text) => {
      for (const parse of [() => parseRootManifest(text, "m"), () => parseVersionManifest(text, "m", "1")]) {
        try {
          parse();
        } catch (error) {
          expect(isOtaError(error) && error.code.startsWith("manifest/"), String(error)).toBe(true);
        }
      }
    }),
  );
});
