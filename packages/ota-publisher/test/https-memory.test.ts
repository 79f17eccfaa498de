import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuthority, hasOpenssl } from "./certificate-authority.ts";
import { createHttpsBench, type HttpsBench } from "./https-bench.ts";

const isAbsent = !hasOpenssl();
const WHY = isAbsent ? " (skipped: OpenSSL is not installed; `apt-get install openssl`)" : "";
const MIB = 1024 * 1024;

let bench: HttpsBench;
let server: Server;
let received = 0;

beforeAll(async () => {
  if (isAbsent) return;
  bench = createHttpsBench();
  const { cert, key } = createAuthority(bench.folder).sign("server", "IP:127.0.0.1");
  server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
    received = 0;
    request.on("data", (piece: Uint8Array) => {
      received += piece.length;
    });
    request.on("end", () => response.end(JSON.stringify({ token: "t", status: "ok" })));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterAll(() => {
  server?.closeAllConnections();
  server?.close();
  bench?.remove();
});

/** Delivers zeros in a process of its own; the most memory that it ever had, in bytes. */
async function peakMemory(sizeBytes: number, mode: "body" | "multipart"): Promise<number> {
  const path = join(bench.folder, `${sizeBytes}.bin`);
  writeFileSync(path, "");
  truncateSync(path, sizeBytes);
  const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
  const { port } = server.address() as AddressInfo;
  const channel = { url: `https://127.0.0.1:${port}/api/ota`, ca: join(bench.folder, "ca.pem"), mode };
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  const script = fileURLToPath(new URL("./deliver-in-child.ts", import.meta.url));
  const args = ["--conditions=@tinybms/source", "scripts/run-from-source.ts", script, path, sha256];
  const { stdout } = await promisify(execFile)(process.execPath, [...args, JSON.stringify(channel)], { cwd: root });
  expect(received).toBeGreaterThanOrEqual(sizeBytes);
  return Number(stdout);
}

test.skipIf(isAbsent).for(["body", "multipart"] as const)(
  `64 MiB take at most 16 MiB more memory than 1 MiB (mode %s)${WHY}`,
  async (mode) => {
    const small = await peakMemory(MIB, mode);
    expect(small).toBeGreaterThan(10 * MIB);
    expect((await peakMemory(64 * MIB, mode)) - small).toBeLessThanOrEqual(16 * MIB);
  },
);
