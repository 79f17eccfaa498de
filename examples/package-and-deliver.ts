/**
 * Packages a build and delivers it to a simulated device, with the libraries and a broker in this process.
 *
 *     npx -y pnpm@12 exec node --conditions=@tinybms/source examples/package-and-deliver.ts
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectDevice, createDevice, startEmbeddedBroker } from "@tinybms/firmware-sim/testkit";
import { formatJson } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { packageRelease } from "@tinybms/ota-core/node";
import {
  deliverOverMqtt,
  openImage,
  parseBrokerUrl,
  releasedImageOf,
  sequenceFileOf,
  UNSIGNED,
  unsignedRelease,
} from "@tinybms/ota-publisher";

const product = "Gateway";
const topicRoot = "gateway/ota";
const createdAt = new Date().toISOString();
const build = (version: string): Uint8Array =>
  buildAppImage({ projectName: "gateway", version, sizeBytes: 100_000, seed: Number.parseInt(version, 10) });

const folder = await mkdtemp(join(tmpdir(), "tinybms-example-"));
const broker = await startEmbeddedBroker({});
try {
  const [binary, manifest] = [join(folder, "app.bin"), join(folder, "manifest.json")];
  await writeFile(binary, build("2.0.0"));
  await writeFile(manifest, formatJson({ schema_version: 1, product: { name: product }, versions: [] }));
  const { version, artifacts } = await packageRelease({ manifest, binary, updateManifest: true });
  const [artifact] = artifacts;
  if (artifact === undefined) throw new Error("a release has at least one artifact");

  const device = connectDevice(createDevice({ id: "bench-1", topicRoot, product, app: build("1.0.0") }), broker.url);
  const image = openImage(artifact.path, { file: manifest, name: artifact.name });
  const { reason, devices } = await deliverOverMqtt({
    broker: parseBrokerUrl(broker.url),
    connection: { clientId: "example", keepaliveSeconds: 60, insecure: false, connectTimeoutMs: 5_000 },
    topicRoot,
    release: unsignedRelease({ product, hardware: "esp32", version, createdAt, image: releasedImageOf(image) }),
    signing: UNSIGNED,
    image,
    target: { devices: ["bench-1"] },
    expected: { devices: ["bench-1"] },
    wait: "confirmed",
    timeoutMs: 20_000,
    rate: 0,
    qos: 1,
    sequenceFile: sequenceFileOf(folder),
  });
  image.close();
  await device.stop();
  console.log(`${reason}: ${devices.map((one) => `${one.device} is ${one.state} with ${one.version}`).join(", ")}`);
  process.exitCode = reason === "delivered" ? 0 : 1;
} finally {
  await broker.close();
  await rm(folder, { recursive: true, force: true });
}
