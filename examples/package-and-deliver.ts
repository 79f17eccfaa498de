/**
 * Packages a build and delivers it to a simulated device, with a broker in this process.
 *
 *     npx -y pnpm@12 exec node --conditions=@tinybms/source examples/package-and-deliver.ts
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBench } from "@tinybms/firmware-sim/testkit";
import { formatJson } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { packageRelease } from "@tinybms/ota-core/node";
import { deployRelease } from "@tinybms/ota-publisher";

const [product, topic] = ["Gateway", "gateway/ota"];
const build = (version: string): Uint8Array => buildAppImage({ projectName: "gateway", version, sizeBytes: 100_000 });
const root = { schema_version: 1, product: { name: product }, deployment: { channels: { mqtt: { topic } } } };

const folder = await mkdtemp(join(tmpdir(), "tinybms-example-"));
const bench = await createBench({ devices: ["bench-1"], app: build("1.0.0"), product, topic });
try {
  const [binary, manifest] = [join(folder, "app.bin"), join(folder, "manifest.json")];
  await writeFile(binary, build("2.0.0"));
  await writeFile(manifest, formatJson({ ...root, versions: [] }));
  const { version } = await packageRelease({ manifest, binary, updateManifest: true });
  const { broker } = bench;
  const { deliveries, error } = await deployRelease({ manifest, version, broker, devices: ["bench-1"] });
  for (const { outcome, devices } of deliveries) {
    console.log(`${outcome}: ${devices.map((one) => `${one.device} is ${one.state} with ${one.version}`).join(", ")}`);
  }
  process.exitCode = error === undefined ? 0 : 1;
} finally {
  await bench[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
}
