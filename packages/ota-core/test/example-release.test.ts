import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { buildExampleRelease } from "../../../scripts/build-example-release.ts";
import { loadRootManifest, loadVersion, verifyArtifacts } from "../src/manifest/load.ts";
import { validateReleaseLine } from "../src/manifest/validate-release-line.ts";

const OTA_FOLDER = fileURLToPath(new URL("../../../ota/", import.meta.url));
const MANIFEST = join(OTA_FOLDER, "manifest.json");

/** Every file below a folder, by its path in it. */
function filesOf(folder: string): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = paths.map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    files.map((file) => [
      file.slice(folder.length).replaceAll("\\", "/").replace(/^\//, ""),
      readFileSync(file, "base64"),
    ]),
  );
}

test("the example release line has no fault", async () => {
  expect(await validateReleaseLine(MANIFEST)).toEqual([]);
  const version = await loadVersion(await loadRootManifest(MANIFEST), "1.0.0");
  await verifyArtifacts(version);
  expect(version.artifacts).toMatchObject([
    {
      artifact: { name: "tinybms-gateway" },
      channels: { mqtt: { topic: "tinybms/gateway/ota" } },
      protocols: ["mqtt"],
    },
  ]);
});

test("the example release line is what its script writes", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tinybms-example-"));
  try {
    await buildExampleRelease(folder);
    expect(filesOf(OTA_FOLDER)).toEqual(filesOf(folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
