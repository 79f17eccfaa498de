import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { concatBytes, toHex } from "../bytes.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { sha256 } from "../sha256.ts";
import { type ValidateOptions, validateReleaseLine } from "./validate-release-line.ts";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-validate-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const IMAGE = buildAppImage({ chip: "esp32s3", sizeBytes: 8192 });
const MQTT = { broker: "mqtts://broker.example", topic: "bench/ota" };

function write(path: string, content: string | Uint8Array | object): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  const isRaw = typeof content === "string" || content instanceof Uint8Array;
  writeFileSync(file, isRaw ? content : JSON.stringify(content, null, 2));
}

function artifactOf(bytes: Uint8Array, change: object = {}): object {
  return { name: "gateway", filename: "a.bin", size: bytes.length, sha256: toHex(sha256(bytes)), ...change };
}

interface Line {
  readonly channels?: object;
  readonly root?: object;
  readonly version?: object;
  readonly artifact?: object;
  readonly bytes?: Uint8Array;
}

/** Writes a release line of one version, `a.bin` its artifact. */
function writeLine({
  channels = { mqtt: MQTT },
  root = {},
  version = {},
  artifact = {},
  bytes = IMAGE,
}: Line = {}): void {
  write("manifest.json", {
    schema_version: 1,
    product: { name: "Gateway", hardware: "esp32" },
    deployment: { channels },
    versions: [{ id: "1", manifest: "v/1/ota.json" }],
    ...root,
  });
  write("v/1/ota.json", { version: "1", artifacts: [artifactOf(bytes, artifact)], ...version });
  write("v/1/a.bin", bytes);
}

const validate = (options?: ValidateOptions) => validateReleaseLine(join(folder, "manifest.json"), options);

/** Each problem as `severity code path`. */
const told = async (options?: ValidateOptions) =>
  (await validate(options)).map(({ severity, code, path }) => `${severity} ${code} ${path}`);

const messages = async (options?: ValidateOptions) =>
  (await validate(options)).map(({ message }) => message).join("\n");

test("a valid release line has no problems", async () => {
  writeLine();
  expect(await validate()).toEqual([]);
});

test("every problem of every file is found in one run", async () => {
  writeLine({
    channels: { mqtt: { ...MQTT, qos: 9, password: "hunter2", username: "$NOBODY" } },
    root: {
      versions: [
        { id: "0.9", manifest: "v/0.9/ota.json" },
        { id: "1", manifest: "v/1/ota.json" },
        { id: "1", manifest: "../ota.json" },
        { id: "1.1", manifest: "v/1.1/ota.json" },
        7,
      ],
    },
    version: {
      created_at: "now",
      artifacts: [
        artifactOf(IMAGE, { size: 7 }),
        artifactOf(IMAGE, { filename: "gone.bin" }),
        artifactOf(IMAGE, { filename: "/etc/hosts" }),
        artifactOf(IMAGE, { sha256: "zz" }),
        artifactOf(IMAGE, { sha256: "00".repeat(32), channels: { mqtt: { topic: "t".repeat(46) } } }),
      ],
    },
  });
  write("v/1.1/ota.json", "{]");
  expect(await told({ env: {} })).toEqual([
    "error manifest/invalid /deployment/channels/mqtt/qos",
    "error manifest/invalid /versions/4",
    "warning manifest/variable-unset /deployment/channels/mqtt/username",
    "warning manifest/literal-secret /deployment/channels/mqtt/password",
    "error manifest/not-found /versions/0/manifest",
    "warning manifest/loose-value v/1/ota.json#/created_at",
    "error manifest/invalid v/1/ota.json#/artifacts/3/sha256",
    "error manifest/artifact-mismatch v/1/ota.json#/artifacts/0/size",
    "error manifest/artifact-not-found v/1/ota.json#/artifacts/1/filename",
    "error manifest/path-escapes v/1/ota.json#/artifacts/2/filename",
    "error manifest/channel-invalid v/1/ota.json#/artifacts/4/channels/mqtt/topic",
    "error manifest/artifact-mismatch v/1/ota.json#/artifacts/4/sha256",
    "error manifest/invalid /versions/2/id",
    "error manifest/path-escapes /versions/2/manifest",
    "error manifest/syntax v/1.1/ota.json#",
  ]);
});

test("a problem has the file, line and column of the value that is wrong", async () => {
  write(
    "manifest.json",
    '\uFEFF{\r\n  "schema_version": 1, "product": {},\r\n  "versions": [\r\n    {"id": "1", "manifest": "v/1/ota.json", "label": []},\r\n    {"id": "2", "manifest": "v/2/ota.json"},\r\n    {"id": "3", "manifest": "v/3/ota.json"}\r\n  ]\r\n}',
  );
  write("v/1/ota.json", '{"version": "1",\n "artifacts":\n [{"name": "a"}]}');
  write("v/2/ota.json", '{"version":\n "2"');
  const places = (await validate()).map(({ file, line, column, pointer, message }) => [
    `${file.slice(folder.length + 1)}:${line}:${column}`,
    pointer,
    message,
  ]);
  expect(places).toEqual([
    ["v/1/ota.json:3:3", "/artifacts/0", "artifacts[0] lacks filename"],
    ["v/1/ota.json:3:3", "/artifacts/0", "artifacts[0] lacks size"],
    ["v/1/ota.json:3:3", "/artifacts/0", "artifacts[0] lacks sha256"],
    ["v/2/ota.json:2:5", "", "a comma or } must stand here"],
    ["manifest.json:6:29", "/versions/2/manifest", `${join(folder, "v/3/ota.json")}: there is no such file`],
  ]);
});

test.for([
  ["is missing", undefined, "manifest/not-found", 1, 1],
  ["is a folder", "folder", "manifest/unreadable", 1, 1],
  ["is torn", '{\n "ver', "manifest/syntax", 2, 6],
  ["has a name twice", '{"a": 1,\n "a": 2}', "manifest/syntax", 2, 2],
  ["names __proto__", '{"__proto__": {}}', "manifest/syntax", 1, 2],
  ["is nested too deep", "[".repeat(65), "manifest/syntax", 1, 65],
  ["is larger than 1 MiB", `{"a": "${"x".repeat(1024 * 1024)}"}`, "manifest/invalid", 1, 1],
  ["is of another schema version", '{"schema_version":\n 2}', "manifest/schema-version", 2, 2],
] as const)("a root manifest that %s is one problem", async ([, content, code, line, column]) => {
  if (content === "folder") mkdirSync(join(folder, "manifest.json"));
  else if (content !== undefined) write("manifest.json", content);
  expect(await validate()).toMatchObject([{ severity: "error", code, line, column }]);
});

test("a base_path that leaves the folder is reported once for all artifacts", async () => {
  writeLine({ version: { base_path: "../..", artifacts: [artifactOf(IMAGE), artifactOf(IMAGE)] } });
  expect(await told()).toEqual(["error manifest/path-escapes v/1/ota.json#/base_path"]);
});

test.for([
  ["cut off", IMAGE.subarray(0, 5000), "image/truncated"],
  ["with a flipped bit", IMAGE.with(5000, (IMAGE[5000] ?? 0) ^ 1), "image/checksum-mismatch"],
  ["with more after it", concatBytes([IMAGE, new Uint8Array(16)]), "image/invalid"],
] as const)("an artifact that is %s is a fault, though size and hash are right", async ([, bytes, code]) => {
  writeLine({ bytes });
  expect(await told()).toEqual([`error ${code} v/1/ota.json#/artifacts/0/filename`]);
});

test("an image with a signature sector is valid", async () => {
  const signature = new Uint8Array(4096);
  signature[0] = 0xe7; // magic of a signature block
  writeLine({ bytes: concatBytes([IMAGE, signature]) });
  expect(await validate()).toEqual([]);
});

test.for([
  ["text", new TextEncoder().encode("TinyBMS OTA example\n")],
  ["empty", new Uint8Array(0)],
] as const)("an artifact that is %s is a placeholder with a warning, if size and hash are right", async ([, bytes]) => {
  writeLine({ bytes });
  expect(await told()).toEqual(["warning image/placeholder v/1/ota.json#/artifacts/0/filename"]);
  writeLine({ bytes, artifact: { size: 21 } });
  expect(await told()).toContain("error manifest/artifact-mismatch v/1/ota.json#/artifacts/0/size");
});

test("a file that is not an image is a warning over https and in blob mode", async () => {
  const https = { url: "https://host/x" };
  writeLine({ bytes: new Uint8Array(100), channels: { https }, artifact: { protocols: ["https"] } });
  expect(await told()).toEqual(["warning image/placeholder v/1/ota.json#/artifacts/0/filename"]);
  writeLine({ bytes: new Uint8Array(100), channels: { mqtt: { ...MQTT, mode: "blob" } } });
  expect(await told()).toEqual(["warning image/placeholder v/1/ota.json#/artifacts/0/filename"]);
});

test("an image for a chip that product.hardware excludes is an error; esp32 means every chip", async () => {
  writeLine({ root: { product: { hardware: "esp32c3" } } });
  expect(await validate()).toMatchObject([
    {
      code: "package/wrong-chip",
      message: "the file is an image for esp32s3; product.hardware of the manifest is esp32c3",
    },
  ]);
  for (const hardware of ["esp32", "esp32s3", "rev. B"]) {
    writeLine({ root: { product: { hardware } } });
    expect(await validate()).toEqual([]);
  }
});

test("a topic must leave room for the topics below it, and have at most 128 bytes in blob mode", async () => {
  const withTopic = (topic: string, more: object = {}) =>
    writeLine({ channels: { mqtt: { ...MQTT, topic, ...more } } });
  withTopic("t".repeat(45));
  expect(await validate()).toEqual([]);
  withTopic("é".repeat(23));
  expect(await validate()).toMatchObject([
    { path: "/deployment/channels/mqtt/topic", severity: "error", message: expect.stringContaining("has 46 bytes") },
  ]);
  withTopic("$SYS/x");
  expect(await told({ env: { SYS: "sys" } })).toEqual([]);
  withTopic("$$SYS/x");
  expect(await messages()).toContain("not begin with $");
  withTopic("t".repeat(128), { mode: "blob" });
  expect(await validate()).toEqual([]);
  withTopic("t".repeat(129), { mode: "blob" });
  expect(await messages()).toContain("has 129 bytes; it must have at most 128");
});

test("the artifact's mode decides which rules apply to the root's topic", async () => {
  const topic = "t".repeat(100);
  writeLine({ channels: { mqtt: { ...MQTT, topic } }, artifact: { channels: { mqtt: { mode: "blob" } } } });
  expect(await validate()).toEqual([]);
  writeLine({
    channels: { mqtt: { ...MQTT, topic, mode: "blob" } },
    version: { channels: { mqtt: { mode: "chunked" } } },
  });
  expect(await told()).toEqual(["error manifest/channel-invalid /deployment/channels/mqtt/topic"]);
});

test("a topic from a variable is checked if the variable is set, and not shown", async () => {
  writeLine({ channels: { mqtt: { ...MQTT, topic: "$TOPIC/ota" } } });
  expect(await told({ env: {} })).toEqual(["warning manifest/variable-unset /deployment/channels/mqtt/topic"]);
  expect(await told({ env: { TOPIC: "a" } })).toEqual([]);
  const topic = "secret".repeat(8);
  expect(await messages({ env: { TOPIC: topic } })).toMatch(/^topic, with its variables put in, has 52 bytes/);
  expect(await messages({ env: { TOPIC: "a/#" } })).toMatch(/is not a valid topic root/);
});

test("blob mode above 1 MiB is a warning", async () => {
  const bytes = buildAppImage({ sizeBytes: 1024 * 1024 + 16 });
  writeLine({ bytes, channels: { mqtt: { ...MQTT, mode: "blob" } } });
  expect(await told()).toEqual(["warning manifest/blob-large v/1/ota.json#/artifacts/0/size"]);
  writeLine({ bytes });
  expect(await told()).toEqual([]);
});

test("an incomplete channel is an error, and a missing one that is listed a warning", async () => {
  writeLine({ channels: { mqtt: { broker: "mqtt://h" }, https: {} } });
  expect(await told()).toEqual([
    "error manifest/channel-invalid /deployment/channels/mqtt",
    "error manifest/channel-invalid /deployment/channels/https",
  ]);
  writeLine({ artifact: { protocols: ["https", "serial"] } });
  expect(await told()).toEqual(["warning manifest/channel-invalid v/1/ota.json#/artifacts/0/protocols"]);
  writeLine({ channels: {}, root: { deployment: { default_protocols: ["mqtt"] } } });
  expect(await told()).toEqual(["warning manifest/channel-invalid /deployment/default_protocols"]);
});

test("the channels of a release line without versions are checked too", async () => {
  writeLine({ channels: { mqtt: { ...MQTT, topic: "t".repeat(46), password: "hunter2" } }, root: { versions: [] } });
  expect(await told()).toEqual([
    "warning manifest/literal-secret /deployment/channels/mqtt/password",
    "error manifest/channel-invalid /deployment/channels/mqtt/topic",
  ]);
});

test("a secret in any of the three levels is a warning with its place, without its value", async () => {
  writeLine({
    channels: { mqtt: { ...MQTT, broker: "mqtts://ops:hunter2@broker" } },
    version: { channels: { mqtt: { password: "hunter3" } } },
    artifact: { channels: { https: { url: "https://h/?token=hunter4", headers: { Authorization: "Basic hunter5" } } } },
  });
  expect(await told()).toEqual([
    "warning manifest/literal-secret /deployment/channels/mqtt/broker",
    "warning manifest/literal-secret v/1/ota.json#/channels/mqtt/password",
    "warning manifest/literal-secret v/1/ota.json#/artifacts/0/channels/https/url",
    "warning manifest/literal-secret v/1/ota.json#/artifacts/0/channels/https/headers/Authorization",
  ]);
  expect(JSON.stringify(await validate())).not.toMatch(/hunter/);
  expect(await messages()).toContain("such as $MQTT_PASSWORD");
});

test("a malformed reference is an error", async () => {
  writeLine({ channels: { mqtt: { ...MQTT, username: "${USER" } } });
  expect(await told()).toEqual(["error manifest/channel-invalid /deployment/channels/mqtt/username"]);
});

test("two versions that differ only in case are an error", async () => {
  writeLine({
    root: {
      versions: [
        { id: "1.0-rc", manifest: "v/rc/ota.json" },
        { id: "1.0-RC", manifest: "v/RC/ota.json" },
      ],
    },
  });
  expect((await validate()).filter(({ path }) => path.endsWith("/id"))).toMatchObject([
    {
      severity: "error",
      code: "manifest/invalid",
      message: expect.stringContaining('differs only in case from "1.0-rc"'),
    },
  ]);
});
