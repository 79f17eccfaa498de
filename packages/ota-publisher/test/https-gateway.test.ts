import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { gatewayErrorOf } from "../src/https/gateway-errors.ts";
import { type Certificate, createAuthority, hasOpenssl } from "./certificate-authority.ts";
import { createHttpsBench, type HttpsBench } from "./https-bench.ts";
import { answerJson, StandInGateway } from "./stand-in-gateway.ts";

const isAbsent = !hasOpenssl();
const WHY = isAbsent ? " (skipped: OpenSSL is not installed; `apt-get install openssl`)" : "";
const PASSWORD = "s3cret-päss:w0rd";
const CREDENTIALS = `operator:${PASSWORD}`;

let bench: HttpsBench;
let certificate: Certificate;
let gateway: StandInGateway;

beforeAll(() => {
  if (isAbsent) return;
  bench = createHttpsBench();
  certificate = createAuthority(bench.folder).sign("gateway", "DNS:localhost");
});

afterAll(() => bench?.remove());

beforeEach(async () => {
  if (!isAbsent) gateway = await StandInGateway.start(certificate, CREDENTIALS);
});

afterEach(() => gateway?.stop());

/** A channel of the gateway; the password is percent-encoded as a URL needs it. */
function channel(more: object = {}): object {
  const url = `https://operator:${encodeURIComponent(PASSWORD)}@localhost:${gateway.port}/api/ota`;
  return { url, mode: "multipart", ca: "ca.pem", ...more };
}

test.skipIf(isAbsent)(`uploads the image to the gateway in the field firmware, on one connection${WHY}`, async () => {
  const { outcome, progress } = await bench.deliver(channel());
  expect(outcome).toEqual({
    bytesSent: bench.image.sizeBytes,
    notes: ["the gateway needs a restart"],
    version: "1.2.3",
  });
  const { sha256, sizeBytes, filename } = bench.image;
  expect(gateway.uploads).toMatchObject([{ filename, sha256, sizeBytes, contentType: "application/octet-stream" }]);
  expect(gateway.log).toEqual(["GET /api/security/csrf 200", "POST /api/ota 200"]);
  expect(gateway.connections).toBe(1);
  expect(progress.at(-1)).toBe(sizeBytes);
});

test.skipIf(isAbsent)(`a name with quotes and line ends stays one field${WHY}`, async () => {
  await bench.deliver(channel(), { image: { filename: 'a"; filename="b\r\nX: 1.bin' } });
  expect(gateway.uploads).toMatchObject([{ filename: "a%22; filename=%22b%0D%0AX: 1.bin" }]);
});

test.skipIf(isAbsent)(`says that the gateway already runs a version${WHY}`, async () => {
  gateway.runningVersion = "1.2.3";
  const { outcome } = await bench.deliver(channel());
  expect(outcome?.notes).toEqual(["the gateway runs version 1.2.3 already: it kept its boot slot and the running app"]);
});

test.skipIf(isAbsent)(`a token that has expired is fetched again${WHY}`, async () => {
  gateway.staleTokens = 1;
  const { outcome, retries } = await bench.deliver(channel());
  expect(outcome?.bytesSent).toBe(bench.image.sizeBytes);
  expect(retries).toEqual([]);
  expect(gateway.log).toEqual([
    "GET /api/security/csrf 200",
    "POST /api/ota 403",
    "GET /api/security/csrf 200",
    "POST /api/ota 200",
  ]);
});

test.skipIf(isAbsent)(`ends the delivery after three tokens that the gateway rejects${WHY}`, async () => {
  gateway.staleTokens = 100;
  const { error } = await bench.deliver(channel());
  expect(error).toMatchObject({ code: "delivery/server-refused", details: { status: 403 } });
  expect(error?.message).toContain("csrf token missing or expired");
  expect(gateway.log.filter((line) => line === "POST /api/ota 403")).toHaveLength(3);
});

test.skipIf(isAbsent)(`reports a wrong password once, without repeating it${WHY}`, async () => {
  const url = `https://operator:wr0ng-secret@localhost:${gateway.port}/api/ota`;
  const { error, retries, said } = await bench.deliver(channel({ url }));
  expect(error).toMatchObject({ code: "delivery/server-refused", details: { status: 401 } });
  expect(error?.hint).toContain("user name and password");
  expect(retries).toEqual([]);
  expect(said).not.toContain("wr0ng");
});

test.skipIf(isAbsent)(`waits after 429 as long as the gateway asks${WHY}`, async () => {
  gateway.script.push({ httpStatus: 429, headers: { "retry-after": "7" }, body: "{}" });
  const { outcome, retries } = await bench.deliver(channel());
  expect(outcome?.bytesSent).toBe(bench.image.sizeBytes);
  expect(retries).toMatchObject([{ code: "delivery/server-failed", delayMs: 7000 }]);
});

/** From the reference page: number, HTTP status, and whether the same request may succeed later. */
const ERRORS = [
  [0, 500, false],
  [1, 400, false],
  [2, 400, false],
  [3, 400, false],
  [4, 503, true],
  [5, 400, false],
  [6, 500, true],
  [7, 400, false],
  [8, 415, false],
  [9, 500, false],
  [10, 500, true],
] as const;

test.skipIf(isAbsent).for(ERRORS)(
  `error %i with HTTP %i is explained in words${WHY}`,
  async ([code, status, again]) => {
    for (let i = 0; i < 6; i++) gateway.script.push({ httpStatus: status, body: answerJson(code, "its own words") });
    const { error, retries } = await bench.deliver(channel());
    expect(error).toMatchObject({ code: "delivery/gateway-refused", details: { errorCode: code, status } });
    const { meaning, hint } = gatewayErrorOf(code);
    expect(error?.message).toContain(`${meaning} (error ${code}, HTTP ${status}): its own words`);
    expect(error?.hint).toBe(hint);
    expect(retries).toHaveLength(again ? 5 : 0);
    expect(error?.message.includes("(6 attempts were made)")).toBe(again);
  },
);

test("explains each of the gateway's error codes and says what to do", () => {
  const meanings = ERRORS.map(([code]) => gatewayErrorOf(code).meaning);
  expect(new Set(meanings).size).toBe(ERRORS.length);
  for (const code of [-1, 11, 255, 2 ** 31]) expect(gatewayErrorOf(code).meaning).toContain("does not know");
});

test.skipIf(isAbsent)(`delivers to a gateway that is busy first${WHY}`, async () => {
  gateway.script.push({ httpStatus: 503, headers: { "retry-after": "2" }, body: answerJson(4, "busy") });
  const { outcome, retries } = await bench.deliver(channel());
  expect(outcome?.version).toBe("1.2.3");
  expect(retries).toMatchObject([{ code: "delivery/gateway-refused", delayMs: 2000 }]);
});

test.skipIf(isAbsent)(`success with status error is no success${WHY}`, async () => {
  gateway.script.push({ httpStatus: 200, body: '{"status":"error","error_code":"9","message":"bad chip"}' });
  const { error } = await bench.deliver(channel());
  expect(error).toMatchObject({ code: "delivery/gateway-refused", details: { errorCode: 9, status: 200 } });
});

const UNREADABLE = ["", "no JSON", "[]", "null", '{"data":[1]}', "{".repeat(70_000), `{"x":"${"y".repeat(2 ** 20)}"}`];
test.skipIf(isAbsent)(`an answer that can't be read does not undo a success${WHY}`, async () => {
  for (const body of UNREADABLE) {
    gateway.script.push({ httpStatus: 200, body });
    const { outcome } = await bench.deliver(channel());
    expect(outcome?.bytesSent).toBe(bench.image.sizeBytes);
  }
});

test.skipIf(isAbsent)(`an image below 32 KiB is refused before anything is sent${WHY}`, async () => {
  const path = join(bench.folder, "tiny.bin");
  writeFileSync(path, new Uint8Array(32_767));
  const { error } = await bench.deliver(channel(), { image: { path, sizeBytes: 32_767 } });
  expect(error).toMatchObject({ code: "delivery/image-too-small", details: { size: 32_767, limit: 32_768 } });
  expect(gateway.connections).toBe(0);
});

test.skipIf(isAbsent)(`no secret is shown, even when the gateway repeats it${WHY}`, async () => {
  const basic = Buffer.from(CREDENTIALS).toString("base64");
  const headers = { "X-Api-Key": "k3y-planted" };
  const echo = `${PASSWORD} ${encodeURIComponent(PASSWORD)} Basic ${basic} k3y-planted q-planted \u001b[2J`;
  const url = `https://operator:${encodeURIComponent(PASSWORD)}@localhost:${gateway.port}/api/ota`;
  for (const code of [4, 9]) {
    gateway.script.push({ httpStatus: code === 4 ? 503 : 500, body: answerJson(code, echo) });
  }
  gateway.script.push({ httpStatus: 400, body: JSON.stringify({ message: echo }) });
  for (let i = 0; i < 2; i++) {
    const { said } = await bench.deliver(channel({ url, headers }));
    for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), basic, "k3y-planted", "\u001b[2J"]) {
      expect(said).not.toContain(secret);
    }
  }
  expect(gateway.script).toEqual([]);
});

test.skipIf(isAbsent)(`distinguishes a server without tokens from the gateway${WHY}`, async () => {
  const { error } = await bench.deliver({ ...channel(), headers: { Authorization: "Bearer other" } });
  // The header stands above the URL's user name.
  expect(error).toMatchObject({ code: "delivery/server-refused", details: { status: 401 } });
  expect(gateway.log).toEqual(["GET /api/security/csrf 401"]);
});
