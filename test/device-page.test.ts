/** docs/device.md and docs/porting.md: their commands run, and what they name is in the component. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { provisioningOfPartition, readNvsPartition } from "@tinybms/ota-core/esp";
import { afterAll, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");
const COMPONENT = join(ROOT, "components", "tinybms_ota");
const EXAMPLE = join(COMPONENT, "examples", "gateway");
const read = (...path: readonly string[]) => readFileSync(join(ROOT, ...path), "utf8");
const device = read("docs", "device.md");
const porting = read("docs", "porting.md");
const header = read("components", "tinybms_ota", "include", "tinybms_ota.h");
const espHeader = read("components", "tinybms_ota", "include", "esp_tinybms_ota.h");

const folder = mkdtempSync(join(tmpdir(), "device-page-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("the steps of docs/device.md give the example's board its identity", () => {
  const [, wifi = ""] = /`wifi\.csv` has the access point:\n\n((?: {4}.*\n)+)/.exec(device) ?? [];
  writeFileSync(join(folder, "wifi.csv"), wifi.replaceAll(/^ {4}/gm, ""));
  copyFileSync(join(EXAMPLE, "partitions.csv"), join(folder, "partitions.csv"));
  mkdirSync(join(folder, "ota"));
  copyFileSync(resolve(EXAMPLE, "../../../../examples/my-app.json"), join(folder, "ota", "manifest.json"));
  const commands = device.match(/^tinybms-ota (?:keygen|keys init|provision) .*$/gm) ?? [];
  expect(commands).toHaveLength(3);
  for (const command of commands) {
    const env = { ...process.env, TINYBMS_OTA_PASSPHRASE: "a passphrase of a team" };
    const { status, stderr } = spawnSync(`${ROOT}/${command}`, { shell: true, cwd: folder, env, encoding: "utf8" });
    expect(status, `${command}\n${stderr}`).toBe(0);
  }
  const bytes = readFileSync(join(folder, "bench-1.bin"));
  expect(provisioningOfPartition(bytes)).toMatchObject({ device_id: "bench-1", topic: "my-app/ota" });
  const { entries } = readNvsPartition(bytes);
  expect(entries.find(({ namespace, key }) => namespace === "wifi" && key === "ssid")?.value).toBe("workshop");
});

test("each option of the component that docs/device.md names exists, with the stated value", () => {
  const kconfig = read("components", "tinybms_ota", "Kconfig");
  const names = new Set([...device.matchAll(/CONFIG_(TINYBMS_OTA_\w+)/g)].map(([, name = ""]) => name));
  for (const name of names) expect(kconfig).toMatch(new RegExp(`^ {4}config ${name}$`, "m"));
  const rows = [...device.matchAll(/^\| `CONFIG_(TINYBMS_OTA_\w+)` \| `?(\w+)`? \|/gm)];
  expect(rows.length).toBeGreaterThan(2);
  for (const [, name = "", value] of rows) {
    const [, stated] = new RegExp(`config ${name}\n(?:.*\n)*?\\s+default (\\w+)`).exec(kconfig) ?? [];
    expect(`${name} ${stated}`).toBe(`${name} ${value}`);
  }
});

test("each name of the component's interfaces on both pages is declared", () => {
  const declared = `${header}${espHeader}`;
  const names = [
    ...`${device}${porting}`.matchAll(
      /\b(?:tinybms_ota_[a-z_]*[a-z]|TINYBMS_OTA_EVENT|TBO_[A-Z_]*[A-Z]|tbo_[a-z_]*[a-z])\b/g,
    ),
  ];
  const missing = names.map(([name]) => name).filter((name) => !declared.includes(name));
  expect(missing).toEqual([]);
});

test("docs/porting.md has a row for each function of the port and each flash operation", () => {
  const [, table = ""] = /^typedef struct \{\n {2}void \*context;\n(.*?)^\} tbo_port_t;/ms.exec(header) ?? [];
  const functions = [...table.matchAll(/\(\*(\w+)\)/g)].map(([, name = ""]) => name);
  const [, operations = ""] = /^typedef enum \{\n((?:(?!^\}).*\n)*?)\} tbo_flash_t;/m.exec(header) ?? [];
  const all = [...functions, ...[...operations.matchAll(/^ {2}(TBO_FLASH_\w+)/gm)].map(([, name = ""]) => name)];
  expect(all.length).toBeGreaterThan(15);
  const rows = porting
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .join("\n");
  expect(all.filter((name) => !rows.includes(`\`${name}\``))).toEqual([]);
});
