import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { isOtaError, type OtaError } from "@tinybms/ota-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { parseBrokerUrl } from "../src/mqtt/broker-url.ts";
import { connectUntil } from "../src/mqtt/connect.ts";
import { type Authority, type Certificate, createAuthority, hasOpenssl } from "./certificate-authority.ts";
import { createHttpsBench, type HttpsBench } from "./https-bench.ts";

const isAbsent = !hasOpenssl();
const WHY = isAbsent ? " (skipped: `apt-get install openssl`)" : "";

/** Each cause, what the hint must say, and whether it may mention that the check can be switched off. */
const CAUSES = [
  ["an expired certificate", /renew the certificate on the server, or set this machine's clock/, false],
  ["a certificate for another host", /must name the host as the certificate does/, false],
  ["an unknown issuer", /`ca` of the (?:mqtt|https) channel to the file of an issuer to trust/, true],
  ["a wish for a client certificate", /`cert` and `key`/, false],
  ["no TLS at all", /whether that port expects (?:mqtt|http):\/\//, false],
  ["a TLS version that is too old", /TLS 1\.2 is the oldest/, false],
] as const;

type Cause = (typeof CAUSES)[number][0];

let bench: HttpsBench;
let authority: Authority;
let good: Certificate;
let servers: Readonly<Record<Cause, () => Server>>;
const closers: (() => void)[] = [];

beforeAll(() => {
  if (isAbsent) return;
  bench = createHttpsBench();
  authority = createAuthority(bench.folder);
  good = authority.sign("good", "IP:127.0.0.1");
  const expired = authority.sign("expired", "IP:127.0.0.1", -1);
  const elsewhere = authority.sign("elsewhere", "DNS:elsewhere.example");
  const foreign = createAuthority(bench.folder, "foreign").sign("stranger", "IP:127.0.0.1");
  const tls = ({ cert, key }: Certificate, options: TlsOptions = {}) =>
    createTlsServer({ cert: readFileSync(cert), key: readFileSync(key), ...options });
  const ca = readFileSync(authority.cert);
  servers = {
    "an expired certificate": () => tls(expired),
    "a certificate for another host": () => tls(elsewhere),
    "an unknown issuer": () => tls(foreign),
    "a wish for a client certificate": () => tls(good, { ca, requestCert: true, rejectUnauthorized: true }),
    "no TLS at all": () =>
      createTcpServer((socket) => socket.once("data", () => socket.end("HTTP/1.1 400 No\r\n\r\n"))),
    "a TLS version that is too old": () =>
      tls(good, { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }),
  };
});

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

afterAll(() => bench?.remove());

async function listen(server: Server): Promise<number> {
  server.on("connection", (socket: Socket) => {
    socket.on("error", () => {});
    closers.push(() => socket.destroy());
  });
  server.on("tlsClientError", () => {});
  server.on("secureConnection", (socket: Socket) => socket.on("error", () => {}));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function connectFault(port: number): Promise<OtaError> {
  const tls = { ca: readFileSync(authority.cert, "utf8") };
  const options = { clientId: "test", connectTimeoutMs: 10_000, tls };
  const address = parseBrokerUrl(`mqtts://127.0.0.1:${port}`);
  const thrown: unknown = await connectUntil(address, options, performance.now() + 10_000, undefined).then(
    ({ client }) => client.end(true),
    (error: unknown) => error,
  );
  if (!isOtaError(thrown)) throw thrown;
  return thrown;
}

test.skipIf(isAbsent).for(CAUSES)(`a broker with %s ends the attempt with a hint that fits${WHY}`, async (row) => {
  const [cause, expected, maySkip] = row;
  const { code, hint } = await connectFault(await listen(servers[cause]()));
  expect(code).toBe("delivery/broker-unreachable");
  expect(hint).toMatch(expected);
  expect(/insecure|skip/.test(hint ?? "")).toBe(maySkip);
});

test.skipIf(isAbsent).for(CAUSES)(`a receiver with %s ends the delivery with a hint that fits${WHY}`, async (row) => {
  const [cause, expected, maySkip] = row;
  const port = await listen(servers[cause]());
  const { error, retries } = await bench.deliver({ url: `https://127.0.0.1:${port}/x`, ca: authority.cert });
  expect(error?.hint).toMatch(expected);
  expect(/insecure|verify/.test(error?.hint ?? "")).toBe(maySkip);
  // TLS 1.3 lets a client send before the server has judged its certificate: a reset may overtake the alert.
  if (cause === "a wish for a client certificate") return;
  expect(error?.code).toBe("delivery/tls-failed");
  expect(retries).toEqual([]);
});
