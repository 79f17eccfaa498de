import { readFileSync } from "node:fs";
import { PROVISIONING_KEYS, PROVISIONING_NAMESPACE } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";

const page = readFileSync(new URL("../docs/provisioning.md", import.meta.url), "utf8");
const schema = JSON.parse(readFileSync(new URL("../schemas/provisioning.schema.json", import.meta.url), "utf8"));

test("docs/provisioning.md names each key of NVS with its type, in the order in which they are written, and no other", () => {
  const [, section = ""] = page.split("\n## What is in NVS\n");
  const rows = [...section.split("\n## ")[0]!.matchAll(/^\| `(\w+)` \| (\w+) \|/gm)].map(([, key, type]) => [
    key,
    type,
  ]);
  expect(section).toContain(`Namespace \`${PROVISIONING_NAMESPACE}\``);
  expect(rows).toEqual(PROVISIONING_KEYS.map(({ key, type }) => [key, type]));
});

test("each member of the schema has one key of NVS", () => {
  expect(PROVISIONING_KEYS.map(({ member }) => member).sort()).toEqual(Object.keys(schema.properties).sort());
});
