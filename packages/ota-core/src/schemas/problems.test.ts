import fc from "fast-check";
import { expect, test } from "vitest";
import { labelOf, problemsOf, valueAt } from "./problems.ts";
import type { SchemaError } from "./validator.ts";
import { validateRootManifest, validateVersionManifest } from "./manifest-validators.generated.ts";

function rootWith(change: object): object {
  return { schema_version: 1, product: { name: "P", hardware: "esp32" }, versions: [], ...change };
}

function withMqtt(mqtt: unknown): object {
  return rootWith({ deployment: { channels: { mqtt } } });
}

const MQTT = "/deployment/channels/mqtt";

test.for([
  [[], "", "the document is a list; it must be an object"],
  [{ schema_version: 1, product: {} }, "", "the document lacks versions"],
  [rootWith({ schema_version: "1" }), "/schema_version", 'schema_version is "1"; it must be 1'],
  [rootWith({ product: null }), "/product", "product is null; it must be an object"],
  [rootWith({ product: { name: "" } }), "/product/name", "name is empty; it must be a string that is not empty"],
  [rootWith({ versions: {} }), "/versions", "versions is an object; it must be a list"],
  [rootWith({ versions: [{ id: "1" }] }), "/versions/0", "versions[0] lacks manifest"],
  [withMqtt({ qos: 3 }), `${MQTT}/qos`, "qos is 3; it must be 0, 1 or 2"],
  [withMqtt({ mode: "stream" }), `${MQTT}/mode`, 'mode is "stream"; it must be "chunked" or "blob"'],
  [withMqtt({ rate: -1 }), `${MQTT}/rate`, "rate is -1; it must be at least 0"],
  [withMqtt({ keepalive: 1.5 }), `${MQTT}/keepalive`, "keepalive is 1.5; it must be an integer"],
  [withMqtt({ retain: "yes" }), `${MQTT}/retain`, "retain is a string; it must be true or false"],
  [
    withMqtt({ topic: "a/#" }),
    `${MQTT}/topic`,
    'topic is "a/#"; it must be a topic to publish on: at least one character, without the wildcards + and #',
  ],
  [
    rootWith({ deployment: { default_protocols: ["mqtt", 7] } }),
    "/deployment/default_protocols/1",
    "default_protocols[1] is a number; it must be a string",
  ],
] as const)("%# root manifest: %j", ([document, path, message]) => {
  expect(validateRootManifest(document)).toBe(false);
  expect(problemsOf("manifest/invalid", validateRootManifest.errors, document)).toEqual([
    { code: "manifest/invalid", path, message },
  ]);
});

test("every fault of a version manifest is named", () => {
  const document = {
    version: "",
    created_at: "yesterday",
    artifacts: [{ name: "a", filename: 1, size: -1, sha256: "zz", protocols: [] }],
  };
  validateVersionManifest(document);
  const problems = problemsOf("manifest/invalid", validateVersionManifest.errors, document);
  expect(problems.map(({ path, message }) => `${path}: ${message}`).sort()).toEqual([
    "/artifacts/0/filename: filename is a number; it must be a string",
    "/artifacts/0/protocols: protocols is a list of 0; it must be a list that is not empty",
    '/artifacts/0/sha256: sha256 is "zz"; it must be the file\'s SHA-256 as 64 hexadecimal digits',
    "/artifacts/0/size: size is -1; it must be at least 0",
    '/created_at: created_at is "yesterday"; it must be a date and time in ISO 8601, such as 2026-01-31T12:00:00Z',
    "/version: version is empty; it must be a string that is not empty",
  ]);
});

test("never shows a value that may be secret", () => {
  const document = rootWith({
    deployment: {
      channels: {
        mqtt: { broker: "bob:hunter2@host", username: 4711, password: ["hunter2"] },
        https: { url: "ftp://bob:hunter2@host/x", headers: { "X-Token": 4711, Authorization: ["hunter2"] } },
      },
    },
  });
  validateRootManifest(document);
  const problems = problemsOf("manifest/invalid", validateRootManifest.errors, document);
  expect(problems.length).toBe(6);
  expect(JSON.stringify(problems)).not.toMatch(/hunter2|4711|bob/);
});

function error(instancePath: string, keyword: string, params: Record<string, unknown> = {}): SchemaError {
  return { instancePath, keyword, params, schemaPath: "" };
}

test("of several forms, keeps the faults of the form closest to the value", () => {
  const errors = [
    error("/t", "const", { allowedValue: "all" }),
    error("/t/devices/0", "type", { type: "string" }),
    error("/t", "oneOf"),
  ];
  expect(problemsOf("protocol/malformed", errors, { t: { devices: [1] } }).map(({ message }) => message)).toEqual([
    "devices[0] is a number; it must be a string",
  ]);
});

test("names all forms if a value has none of them", () => {
  const errors = [
    error("/t", "const", { allowedValue: "all" }),
    error("/t", "type", { type: "object" }),
    error("/t", "oneOf"),
  ];
  expect(problemsOf("protocol/malformed", errors, { t: 7 })).toEqual([
    { code: "protocol/malformed", path: "/t", message: 't is 7; it must be "all" or an object' },
  ]);
});

test("reports at most 100 problems", () => {
  const document = rootWith({ versions: Array.from({ length: 500 }, () => 1) });
  validateRootManifest(document);
  expect(problemsOf("manifest/invalid", validateRootManifest.errors, document).length).toBe(100);
});

test("removes control characters of names and values from messages", () => {
  const errors = [error("/a\u001b[2J", "type", { type: "string" }), error("/b", "enum", { allowedValues: [1] })];
  const messages = problemsOf("manifest/invalid", errors, { "a\u001b[2J": 1, b: "\u001b]0;\u202e" }).map(
    ({ message }) => message,
  );
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  expect(messages.join("")).not.toMatch(/[\u0000-\u001f\u202e]/);
});

test("places are named and found by JSON pointer", () => {
  expect(labelOf("/artifacts/0")).toBe("artifacts[0]");
  expect(labelOf("/missing/3/1")).toBe("missing[3][1]");
  expect(labelOf("/0")).toBe("item 0");
  expect(valueAt({ "a/b": [{ "~": 1 }] }, "/a~1b/0/~0")).toBe(1);
  expect(valueAt({}, "/constructor")).toBeUndefined();
});

test("any JSON is valid or gets at least one problem, without an exception", () => {
  const member = fc.constantFrom(
    "schema_version",
    "product",
    "versions",
    "deployment",
    "channels",
    "mqtt",
    "id",
    "manifest",
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, 1, 1.5, "x", ""),
      fc.dictionary(member, tie("tree")),
      fc.array(tie("tree"), { maxLength: 3 }),
    ),
  }));
  fc.assert(
    fc.property(
      fc.oneof(
        fc.jsonValue(),
        tree,
        fc.record({ schema_version: fc.constant(1), product: tree, versions: tree, deployment: tree }),
      ),
      (document) => {
        for (const validate of [validateRootManifest, validateVersionManifest]) {
          const isValid = validate(document);
          expect(problemsOf("manifest/invalid", validate.errors, document).length > 0).toBe(!isValid);
        }
      },
    ),
    { numRuns: 1000 },
  );
});
