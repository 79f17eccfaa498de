import { pbkdf2Sync } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  buildNvsPartition,
  decryptNvsPartition,
  formatPartitionCsv,
  type Provisioning,
  parseNvsCsv,
  parseNvsKeys,
  parsePartitionCsv,
  provisioningOfPartition,
  readNvsPartition,
  TWO_OTA_PARTITION_CSV,
} from "@tinybms/ota-core/esp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createAuthority, hasOpenssl } from "../../test/certificate-authority.ts";
import {
  createReleaseLine,
  type ReleaseLine,
  ROOT_MANIFEST,
  type RunWorld,
  runCommand,
} from "../../test/release-line.ts";

const isAbsent = !hasOpenssl();
const WHY = isAbsent ? " (skipped: OpenSSL is not installed; `apt-get install openssl`)" : "";
const OPEN = ["--allow-unsigned", "--json"];

let line: ReleaseLine;
beforeEach(() => {
  line = createReleaseLine();
});
afterEach(() => line.remove());

const at = (...names: string[]) => join(line.folder, ...names);
const put = (name: string, text: string | Uint8Array): string => {
  writeFileSync(at(name), text);
  return at(name);
};
const provision = (args: readonly string[], world: RunWorld = {}) =>
  line.run(["provision", "--keys", at("keys"), ...args], world);
const bytesOf = (path: string) => Uint8Array.from(readFileSync(path));
const documentOf = (path: string): Provisioning => provisioningOfPartition(bytesOf(path));
const isPosix = process.platform !== "win32";

async function refusal(args: readonly string[], world?: RunWorld) {
  const { exitCode, stdout } = await provision([...args, "--json"], world);
  expect(exitCode, stdout).toBe(2);
  const { code, message } = JSON.parse(stdout).error;
  return `${code}: ${message}`;
}

test("a device gets product, broker and topic of the release line, its name, and a random password", async () => {
  const { exitCode, stdout, stderr } = await provision(["--device", "bench-1", "--out", at("nvs.bin"), ...OPEN]);
  expect([exitCode, stderr], stderr).toEqual([0, expect.stringContaining("only simulated devices can reach it")]);
  const document = documentOf(at("nvs.bin"));
  const { broker, topic } = ROOT_MANIFEST.deployment.channels.mqtt;
  expect(document).toEqual({
    provisioning: 1,
    device_id: "bench-1",
    broker,
    topic,
    product: "gateway",
    username: "bench-1",
    password: expect.stringMatching(/^[A-Za-z0-9_-]{32}$/),
    allow_unsigned: true,
  });
  expect(stdout + stderr).not.toContain(document.password);
  expect(JSON.parse(stdout).devices).toEqual([
    { device: "bench-1", file: at("nvs.bin"), size: 0x6000, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  ]);
  if (isPosix) expect(statSync(at("nvs.bin")).mode & 0o777).toBe(0o600);
  const before = readFileSync(at("nvs.bin"));
  expect(await refusal(["--device", "bench-1", "--out", at("nvs.bin"), "--allow-unsigned"])).toContain(
    "provisioning/exists",
  );
  expect(readFileSync(at("nvs.bin"))).toEqual(before);
});

test("options override the file of --from, which overrides the manifest", async () => {
  const from = put("from.json", JSON.stringify({ topic: "from/ota", product: "From", password: "hunter2 hunter2" }));
  const args = ["--device", "d", "--out", at("nvs.bin"), "--from", from, "--product", "Option"];
  expect((await provision([...args, "--broker", "mqtts://user:hush@b.example/", ...OPEN])).exitCode).toBe(0);
  expect(documentOf(at("nvs.bin"))).toMatchObject({
    topic: "from/ota",
    product: "Option",
    broker: "mqtts://b.example:8883",
    username: "d",
    password: "hunter2 hunter2",
  });
});

test.skipIf(isAbsent)(`a list has each device's settings; certificates come from files next to it${WHY}`, async () => {
  const authority = createAuthority(line.folder);
  const { cert, key } = authority.sign("device", "DNS:a-3");
  const [certificate, privateKey] = [cert, key].map((path) => path.slice(line.folder.length + 1));
  put(
    "list.csv",
    `\uFEFFusername,device_id,password,certificate,private_key,ca_certificate\r\n# spare ones\r\n,a-1,,,,\r\n,a-2,"chosen, by hand",,,\r\nuser,a-3,,${certificate},${privateKey},ca.pem\r\n`,
  );
  const { exitCode, stdout, stderr } = await provision([
    "--devices",
    at("list.csv"),
    "--out-dir",
    at("fleet"),
    ...OPEN,
  ]);
  expect(exitCode, stderr + stdout).toBe(0);
  const [first, second, third] = ["a-1", "a-2", "a-3"].map((name) => documentOf(at("fleet", `${name}.bin`)));
  expect(first?.password).toMatch(/^[A-Za-z0-9_-]{32}$/);
  expect(second).toMatchObject({ username: "a-2", password: "chosen, by hand" });
  expect(third).toMatchObject({
    username: "user",
    certificate: expect.stringMatching(/^-----BEGIN CERTIFICATE-----\n/),
  });
  expect(third?.password).toBe(undefined);
  const list = readFileSync(at("fleet", "provisioned.json"), "utf8");
  expect(JSON.parse(list).devices.map((row: { device: string }) => row.device)).toEqual(["a-1", "a-2", "a-3"]);
  expect(list).not.toMatch(new RegExp(`chosen|${first?.password}|BEGIN`));
});

/** UTF-16 with a byte-order mark, as PowerShell and Excel write it. */
const utf16 = (content: string) => new Uint8Array(Buffer.from(`\uFEFF${content}`, "utf16le"));

test("every text file may be UTF-16 with a byte-order mark", async () => {
  const list = put("list.csv", utf16("device_id,password,tags\na-1,chosen by hand,pilot lab\n"));
  const from = put("from.json", utf16(JSON.stringify({ topic: "from/ota" })));
  const csv = put("own.csv", utf16("key,type,encoding,value\napp,namespace,,\nname,data,string,Grüße\n"));
  const table = put("table.csv", utf16("b,bootloader,primary,N/A,N/A\nnvs,data,nvs,,0x5000\n"));
  const places = ["--partition-table", table, "--primary-bootloader-offset", "esp32"];
  const args = ["--devices", list, "--out-dir", at("fleet"), "--from", from, "--csv", csv, ...places, ...OPEN];
  const { exitCode, stderr, stdout } = await provision(args);
  expect(exitCode, stderr + stdout).toBe(0);
  expect(documentOf(at("fleet", "a-1.bin"))).toMatchObject({ topic: "from/ota", password: "chosen by hand" });
  expect(bytesOf(at("fleet", "a-1.bin"))).toHaveLength(0x5000);
});

test("a thousand devices have a thousand passwords, and a password file of Mosquitto's own form has them", async () => {
  const names = Array.from({ length: 1000 }, (_, index) => `bms-${index}`);
  const list = put("list.csv", `device_id\n${names.join("\n")}\n`);
  const args = ["--devices", list, "--out-dir", at("fleet"), "--broker-acl", "mosquitto", ...OPEN];
  const { exitCode, stdout } = await provision(args);
  expect(exitCode, stdout).toBe(0);
  const result = JSON.parse(stdout);
  expect(result.devices.length).toBe(1000);
  const { passwords, acl, publisherPassword } = result.broker;
  const rows = readFileSync(at("fleet", passwords), "utf8").trimEnd().split("\n");
  const drawn = new Map(names.map((name) => [name, documentOf(at("fleet", `${name}.bin`)).password!]));
  drawn.set("publisher", readFileSync(at("fleet", publisherPassword), "utf8").trimEnd());
  expect(new Set(drawn.values()).size).toBe(1001);
  expect(rows.length).toBe(1001);
  for (const row of rows) {
    const [, name = "", iterations, salt = "", hash] = /^([^:]+):\$7\$(\d+)\$([^$]+)\$(.+)$/.exec(row) ?? [];
    const derived = pbkdf2Sync(drawn.get(name)!, Buffer.from(salt, "base64"), Number(iterations), 64, "sha512");
    expect(derived.toString("base64"), name).toBe(hash);
  }
  expect(readFileSync(at("fleet", acl), "utf8")).toContain("pattern write bench/ota/v1/device/%u/state\n");
  if (isPosix) {
    const modes = readdirSync(at("fleet")).map((name) => statSync(at("fleet", name)).mode & 0o777);
    expect(new Set(modes)).toEqual(new Set([0o600]));
    expect(statSync(at("fleet")).mode & 0o777).toBe(0o700);
  }
});

test("a folder with files, and an interrupted run, stay unchanged", async () => {
  mkdirSync(at("fleet"));
  put("fleet/old", "old");
  const list = put("list.csv", `device_id\n${Array.from({ length: 200 }, (_, index) => `d${index}`).join("\n")}\n`);
  expect(await refusal(["--devices", list, "--out-dir", at("fleet"), "--allow-unsigned"])).toContain("exists");
  expect(readdirSync(at("fleet"))).toEqual(["old"]);
  const signal = AbortSignal.abort(new Error("enough"));
  const { exitCode } = await provision(["--devices", list, "--out-dir", at("other"), ...OPEN], { signal });
  expect(exitCode).not.toBe(0);
  expect(readdirSync(line.folder).filter((name) => /other/.test(name))).toEqual([]);
});

test("a wrong size in the middle of a fleet leaves nothing behind", async () => {
  const big = put("own.csv", "key,type,encoding,value\napp,namespace,,\nbig,data,blob_fill(18000;0x00),\n");
  const args = ["--device", "a", "--device", "b", "--out-dir", at("fleet"), "--allow-unsigned", "--csv", big];
  expect(await refusal(args)).toContain("it needs 0x7000");
  expect(readdirSync(line.folder).filter((name) => /fleet/.test(name))).toEqual([]);
  expect((await provision([...args, "--nvs-size", "0x7000", "--json"])).exitCode).toBe(0);
  expect(await refusal(["--device", "a", "--out", at("x.bin"), "--allow-unsigned", "--nvs-size", "8192"])).toContain(
    "it needs 0x3000",
  );
});

test("the size comes from a partition table; one without NVS is refused", async () => {
  const table = put("partitions.csv", TWO_OTA_PARTITION_CSV);
  const args = ["--device", "a", "--out", at("nvs.bin"), "--partition-table"];
  expect((await provision([...args, table, ...OPEN])).exitCode).toBe(0);
  const { entries } = parsePartitionCsv(TWO_OTA_PARTITION_CSV);
  expect(statSync(at("nvs.bin")).size).toBe(entries.find(({ label }) => label === "nvs")?.size);
  const without = formatPartitionCsv({ entries: entries.filter(({ label }) => label !== "nvs") });
  expect(await refusal([...args, put("none.csv", without), "--allow-unsigned"])).toContain("has no partition of type");
  expect(await refusal([...args, table, "--nvs-size", "0x6000", "--allow-unsigned"])).toContain("omit one");
});

test("the app's own namespaces are in the partition, and CSV of all of it makes the same partition", async () => {
  const own = put(
    "own.csv",
    "key,type,encoding,value\nwifi,namespace,,\nssid,data,string,workshop\nchannel,data,u8,6\n",
  );
  const args = ["--device", "a", "--out", at("nvs.bin"), "--csv", own, "--csv-out", at("out.csv"), ...OPEN];
  expect((await provision(args)).exitCode).toBe(0);
  const bytes = bytesOf(at("nvs.bin"));
  const wifi = readNvsPartition(bytes).entries.filter(({ namespace }) => namespace === "wifi");
  expect(wifi.map(({ key, value }) => [key, value])).toEqual([
    ["ssid", "workshop"],
    ["channel", 6],
  ]);
  expect(buildNvsPartition(parseNvsCsv(bytesOf(at("out.csv"))), { sizeBytes: 0x6000 })).toEqual(bytes);
  if (isPosix) expect(statSync(at("out.csv")).mode & 0o777).toBe(0o600);
  const foreign = put("foreign.csv", "key,type,encoding,value\ntinybms,namespace,,\ndevice_id,data,string,b\n");
  expect(await refusal(["--device", "a", "--out", at("b.bin"), "--allow-unsigned", "--csv", foreign])).toContain(
    "the namespace tinybms is reserved",
  );
});

test("each encrypted partition has keys of its own", async () => {
  const args = ["--device", "a", "--device", "b", "--out-dir", at("fleet"), "--encrypt", ...OPEN];
  expect((await provision(args)).exitCode).toBe(0);
  const keys = ["a", "b"].map((name) => bytesOf(at("fleet", `${name}.keys.bin`)));
  expect(keys[0]).not.toEqual(keys[1]);
  expect(() => documentOf(at("fleet", "a.bin"))).toThrow();
  const plain = decryptNvsPartition(bytesOf(at("fleet", "a.bin")), parseNvsKeys(keys[0]!));
  expect(provisioningOfPartition(plain).device_id).toBe("a");
});

test("devices trust the current key set of the folder, or the one that is named", async () => {
  const keys = at("keys");
  const key = at("root.pem");
  expect(await refusal(["--device", "a", "--out", at("nvs.bin")])).toContain("have no key set");
  await runCommand(["keygen", "--out", key]);
  const init = ["keys", "init", "--product", "gateway", "--root", `${key}.pub`, "--keys", keys, "--sign-key", key];
  expect((await runCommand(init)).exitCode).toBe(0);
  expect((await provision(["--device", "a", "--out", at("nvs.bin"), "--json"])).exitCode).toBe(0);
  const { key_set, allow_unsigned } = documentOf(at("nvs.bin"));
  expect([key_set, allow_unsigned]).toEqual([JSON.parse(readFileSync(join(keys, "1.json"), "utf8")), undefined]);
  const named = ["--device", "a", "--out", at("b.bin"), "--key-set"];
  expect((await provision([...named, join(keys, "1.json"), "--json"])).exitCode).toBe(0);
  expect(await refusal([...named, join(keys, "1.json"), "--allow-unsigned"])).toContain("contradict each other");
  const { payload } = JSON.parse(readFileSync(join(keys, "1.json"), "utf8"));
  const unsigned = put("unsigned.json", JSON.stringify({ payload, signatures: [] }));
  expect(await refusal([...named, unsigned])).toContain("signing/key-set-unreadable");
  expect(await refusal(["--device", "a", "--out", at("c.bin"), "--product", "Other"])).toContain(
    'is for "gateway", and the product is "Other"',
  );
});

test.for([
  [[], "--device or --devices must name devices"],
  [["--device", "a"], "either --out or --out-dir"],
  [["--device", "a", "--device", "b", "--out", "x"], "--out takes one --device"],
  [["--device", "a/b", "--out", "x"], "\"a/b\" can't be a device's name"],
  [["--device", "a", "--device", "A", "--out-dir", "x"], "A is named twice as a"],
  [["--device", "a", "--out", "x", "--broker-acl", "mosquitto"], "--broker-acl needs --out-dir"],
  [["--device", "a", "--out-dir", "x", "--csv-out", "y"], "--csv-out needs --out"],
  [["--device", "publisher", "--out-dir", "x", "--broker-acl", "mosquitto"], "publisher is the publisher's user name"],
  [["--device", "a", "--out", "x", "--broker", "http://b"], "it must be mqtt://HOST:PORT"],
  [["--device", "a", "--out", "x", "--broker", "mqtt://b.example"], "sends a password unencrypted to b.example"],
  [["--device", "a", "--out", "x", "--topic", "a/#"], "without the wildcards"],
  [["--device", "a", "--out", "x", "--cert", "c"], "a certificate and its private key go together"],
  [["--device", "a", "--out", "x", "--ca", "/nowhere/ca.pem"], "/nowhere/ca.pem is not there"],
  [["--device", "a", "--out", "x", "--csv", "/nowhere/own.csv"], "can't be read: ENOENT"],
  [["--device", "a", "--out", "x", "--nvs-size", "0x5001"], "must be a multiple of 4096"],
  [["--device", "a", "--out", "x", "--from", "/nowhere.json"], "can't be read: ENOENT"],
] as const)("%j is refused before anything is written", async ([args, message]) => {
  expect(await refusal([...args, "--allow-unsigned"])).toContain(message);
});

test("without a release line, uses only the options and names all missing ones at once", async () => {
  line.writeManifest({ ...ROOT_MANIFEST, product: { hardware: "esp32" }, deployment: {} });
  const told = await refusal(["--device", "a", "--out", "x", "--allow-unsigned"]);
  expect(told).toContain("the devices have no broker, topic, product");
});

test.for([
  ["name\na\n", "line 1, column device_id: the header has no such column"],
  ["device_id,passwort\na,b\n", 'line 1, column "passwort": a list may have device_id'],
  ["device_id,device_id\na,b\n", "line 1, column device_id: the header has it twice"],
  ["device_id\n", "line 1, column device_id: no row follows"],
  ["device_id\na\nb,c\n", "line 3, column device_id: the row has more fields"],
  ["device_id,topic\n,b\n", "line 2, column device_id: the device has no name"],
  ["device_id\na\n\na/b\n", "line 4, column device_id: device_id is"],
  ["device_id\na\nb\nA\n", "line 4, column device_id: A is already in line 2 as a"],
  ['device_id\n"a\n', "line 2, column 1: the quote is never closed"],
  ["device_id,broker\na,ftp://x\n", "line 2, column broker: the broker's URL begins with ftp"],
  ["device_id,topic\na,b/+\n", "line 2, column topic: topic is"],
  ["device_id,certificate\na,none.pem\n", "line 2, column ca_certificate, certificate, private_key:"],
  ["device_id,tags\na,b/c\n", 'line 2, column tags: "b/c" can\'t be a tag'],
] as const)("the list %j is refused with line and column", async ([text, message]) => {
  const list = put("list.csv", text);
  const told = await refusal(["--devices", list, "--out-dir", at("fleet"), "--allow-unsigned"]);
  expect(told).toContain(`provisioning/list-invalid: ${list}, ${message}`);
  expect(readdirSync(line.folder)).not.toContain("fleet");
});

test("the broker's files require the devices' IDs as user names", async () => {
  const list = put("list.csv", "device_id,username\na,a\nb,someone\n");
  const args = ["--devices", list, "--out-dir", at("fleet"), "--broker-acl", "mosquitto", "--allow-unsigned"];
  expect(await refusal(args)).toContain("line 3, column username: the user name must be the device ID");
  const percent = ["--device", "a", "--out-dir", at("fleet"), "--broker-acl", "mosquitto", "--topic", "a%u"];
  expect(await refusal([...percent, "--allow-unsigned"])).toContain("contains a percent sign");
});

test("no command line, error or result repeats a password of a file", async () => {
  const from = put("from.json", '{ "password": "hush hush\\u0000", "username": "u" }');
  const { stdout, stderr } = await provision(["--device", "a", "--out", at("x.bin"), "--from", from, ...OPEN]);
  expect(stdout).toContain("password has another value");
  expect(stdout + stderr).not.toContain("hush");
});
