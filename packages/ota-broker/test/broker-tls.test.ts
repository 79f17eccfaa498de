import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isOtaError } from "@tinybms/ota-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEmbeddedBroker } from "../src/index.ts";
import { closed, connectClient, mayPublish, openSocket, refusalOf, startBroker } from "./broker-clients.ts";

const isAbsent = ((): boolean => {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return false;
  } catch {
    return true;
  }
})();
const WHY = isAbsent ? " (skipped: `apt-get install openssl`)" : "";

let folder: string;

/** A certificate that is its own authority. */
interface Pair {
  readonly cert: string;
  readonly key: string;
}

function createPair(name: string): Pair {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"];
  const subject = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync("openssl", ["req", "-x509", ...curve, "-keyout", key, "-out", cert, "-days", "2", ...subject], {
    stdio: "ignore",
  });
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}

let [server, device, stranger]: Pair[] = [];

beforeAll(() => {
  if (isAbsent) return;
  folder = mkdtempSync(join(tmpdir(), "tinybms-broker-tls-"));
  [server, device, stranger] = ["broker", "bench-1", "stranger"].map(createPair);
});

afterAll(() => {
  if (!isAbsent) rmSync(folder, { recursive: true, force: true });
});

test.skipIf(isAbsent)(`accepts only TLS clients with a certificate${WHY}`, async () => {
  const { broker } = await startBroker({ tls: server! });
  expect(broker.url).toMatch(/^mqtts:/);
  const client = await connectClient(broker.url, { ca: server!.cert });
  expect(await mayPublish(client, "t")).toBe(true);
  expect(await refusalOf(broker.url, {})).toBe("DEPTH_ZERO_SELF_SIGNED_CERT");
  const plain = await openSocket(broker.port);
  plain.write(Uint8Array.from([0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 0])); // CONNECT
  await closed(plain);
});

test.skipIf(isAbsent)(`accepts CONNECT only with a client certificate of the given CA${WHY}`, async () => {
  const { broker, refusals } = await startBroker({ tls: { ...server!, ca: device!.cert } });
  const client = await connectClient(broker.url, { ca: server!.cert, ...device! });
  expect(await mayPublish(client, "t")).toBe(true);
  expect(await refusalOf(broker.url, { ca: server!.cert })).not.toBe("accepted");
  expect(await refusalOf(broker.url, { ca: server!.cert, ...stranger! })).not.toBe("accepted");
  expect(refusals.map(({ reason }) => reason)).toEqual([
    expect.stringMatching(/^its TLS handshake failed: /),
    expect.stringMatching(/^its TLS handshake failed: /),
  ]);
});

test.skipIf(isAbsent)(`ends a missing TLS handshake like a missing CONNECT${WHY}`, async () => {
  const { broker } = await startBroker({ tls: server!, limits: { connectTimeoutMs: 150 } });
  await closed(await openSocket(broker.port));
});

test.skipIf(isAbsent)(`guards TLS connections too${WHY}`, async () => {
  const { broker, refusals } = await startBroker({ tls: server! });
  const client = await connectClient(broker.url, { ca: server!.cert });
  expect(await mayPublish(client, "a/v1/offer", true, "x".repeat(20_000))).toBe(false);
  expect(refusals.map(({ reason }) => reason)).toEqual([expect.stringContaining("announces")]);
});

test.skipIf(isAbsent).for([
  ["no certificate", "cert", "nonsense"],
  ["no key", "key", "nonsense"],
  ["no issuer", "ca", "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"],
] as const)(`reports %s${WHY}`, async ([, member, value]) => {
  const error: unknown = await startEmbeddedBroker({ tls: { ...server!, [member]: value } }).catch((reason) => reason);
  expect(isOtaError(error, "delivery/tls-failed") && error.message).toMatch(
    /^the embedded broker can't use its TLS certificate, key or CA certificates: /,
  );
});
