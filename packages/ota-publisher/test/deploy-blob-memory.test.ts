import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hasMosquitto, killMosquittos, type Mosquitto, startMosquitto } from "./mosquitto-broker.ts";
import { createAuthority, hasOpenssl } from "./tls-files.ts";

const isAbsent = !hasMosquitto() || !hasOpenssl();
const WHY = isAbsent ? " (skipped: `apt-get install mosquitto openssl`)" : "";

const MIB = 1024 * 1024;
const CHILD = fileURLToPath(new URL("blob-in-child.ts", import.meta.url));

let folder: string;
let plain: Mosquitto;
let encrypted: Mosquitto;

beforeAll(async () => {
  if (isAbsent) return;
  folder = mkdtempSync(join(tmpdir(), "tinybms-blob-"));
  const server = createAuthority(folder).sign("server", "IP:127.0.0.1");
  plain = await startMosquitto(folder);
  const files = [`certfile ${server.cert}`, `keyfile ${server.key}`];
  encrypted = await startMosquitto(folder, ["allow_anonymous true", ...files]);
  for (const size of [1, 64]) writeFileSync(join(folder, `${size}.bin`), new Uint8Array(size * MIB));
});

afterAll(async () => {
  if (isAbsent) return;
  await killMosquittos();
  rmSync(folder, { recursive: true, force: true });
});

/** The most memory that delivering a file of so many MiB took, in bytes. */
async function memoryOf(url: string, sizeMib: number): Promise<number> {
  const args = ["--conditions=@tinybms/source", CHILD, url, join(folder, `${sizeMib}.bin`), "insecure"];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return Number(stdout);
}

test.skipIf(isAbsent).for(["mqtt", "mqtts"])(
  `a message of 64 MiB over %s takes no more memory than one of 1 MiB and a fraction of a copy${WHY}`,
  async (protocol) => {
    const { port } = protocol === "mqtt" ? plain : encrypted;
    const url = `${protocol}://127.0.0.1:${port}`;
    const [small, large] = [await memoryOf(url, 1), await memoryOf(url, 64)];
    expect(large - small).toBeLessThan(24 * MIB);
  },
);
