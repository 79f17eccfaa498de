/**
 * Writes the example release line in `ota/`: a built image, packaged as a user's would be. The same bytes every time.
 *
 *     node --conditions=@tinybms/source scripts/build-example-release.ts
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildAppImage } from "../packages/ota-core/src/image/build-app-image.ts";
import { formatJson } from "../packages/ota-core/src/json/format-json.ts";
import { packageRelease } from "../packages/ota-core/src/release/package-release.ts";

const OTA_FOLDER = join(dirname(fileURLToPath(import.meta.url)), "..", "ota");
const CREATED_AT = new Date("2026-01-31T12:00:00Z");

const ROOT_MANIFEST = {
  $schema: "../schemas/ota-manifest.schema.json",
  schema_version: 1,
  product: { name: "TinyBMS Web Gateway", hardware: "esp32" },
  deployment: {
    channels: {
      mqtt: { broker: "mqtt://localhost:1883", topic: "tinybms/gateway/ota", qos: 1 },
      https: { url: "https://gateway.example/api/ota", method: "PUT", timeout: 30, verify: true },
    },
    default_protocols: ["mqtt"],
  },
  versions: [],
};

/**
 * Writes the example release line.
 *
 * @param folder - Gets `manifest.json` and `versions/1.0.0/`; what stands there is replaced.
 */
export async function buildExampleRelease(folder: string): Promise<void> {
  const manifest = join(folder, "manifest.json");
  const scratch = await mkdtemp(join(tmpdir(), "tinybms-example-"));
  try {
    const binary = join(scratch, "tinybms-gateway.bin");
    await writeFile(binary, exampleImage());
    await rm(join(folder, "versions"), { recursive: true, force: true });
    await writeFile(manifest, formatJson(ROOT_MANIFEST));
    await packageRelease({
      manifest,
      binary,
      project: "tinybms-gateway",
      label: "First release",
      updateManifest: true,
      now: () => CREATED_AT,
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function exampleImage(): Uint8Array {
  return buildAppImage({
    chip: "esp32",
    projectName: "tinybms-gateway",
    version: "1.0.0",
    idfVersion: "v5.5",
    sizeBytes: 8 * 1024,
  });
}

if (import.meta.main) await buildExampleRelease(OTA_FOLDER);
