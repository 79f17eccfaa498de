import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Authority, createAuthority, hasOpenssl } from "./certificate-authority.ts";
import { createHttpsBench, filesIn, type HttpsBench } from "./https-bench.ts";
import { NGINX, type Nginx, startNginx } from "./nginx.ts";

const isAbsent = NGINX === undefined || !hasOpenssl();
const WHY = isAbsent ? " (skipped: `apt-get install nginx openssl` first)" : "";
const DAV = "location / { dav_methods PUT; create_full_put_path on; }";

let bench: HttpsBench;
let authority: Authority;
let plain: Nginx;
let strict: Nginx;

beforeAll(async () => {
  if (isAbsent) return;
  bench = createHttpsBench(1_300_000);
  authority = createAuthority(bench.folder);
  const { cert, key } = authority.sign("server", "IP:127.0.0.1");
  const tls = [`ssl_certificate ${cert};`, `ssl_certificate_key ${key};`];
  plain = await startNginx(
    bench.subfolder("plain"),
    [
      ...tls,
      DAV,
      "location /moved { return 307 /images/moved.bin; }",
      "location /small/ { client_max_body_size 1k; dav_methods PUT; }",
      "location /closed/ { return 403; }",
    ],
    true,
  );
  const clients = [`ssl_client_certificate ${authority.cert};`, "ssl_verify_client on;"];
  strict = await startNginx(bench.subfolder("strict"), [...tls, ...clients, DAV], true);
});

afterAll(async () => {
  await plain?.stop();
  await strict?.stop();
  bench?.remove();
});

const url = ({ port }: Nginx, path: string): string => `https://127.0.0.1:${port}${path}`;

test.skipIf(isAbsent)(`nginx gets the image byte for byte, and the progress ends at its size${WHY}`, async () => {
  const { outcome, progress, retries } = await bench.deliver({ url: url(plain, "/images/a.bin"), ca: authority.cert });
  expect(outcome).toEqual({ bytesSent: bench.image.sizeBytes, notes: [] });
  expect(readFileSync(join(plain.root, "images/a.bin")).equals(bench.bytes)).toBe(true);
  expect(progress[0]).toBe(0);
  expect(progress.at(-1)).toBe(bench.image.sizeBytes);
  expect(progress).toEqual([...progress].sort((a, b) => a - b));
  expect(retries).toEqual([]);
});

test.skipIf(isAbsent)(`a redirect within nginx is followed with the whole image${WHY}`, async () => {
  // A relative path counts from the manifest's folder.
  const { outcome, retries } = await bench.deliver({ url: url(plain, "/moved"), ca: "ca.pem" });
  expect(outcome?.bytesSent).toBe(bench.image.sizeBytes);
  expect(retries).toEqual([]);
  expect(readFileSync(join(plain.root, "images/moved.bin")).equals(bench.bytes)).toBe(true);
});

test.skipIf(isAbsent)(`sends nothing to a server with an unknown issuer${WHY}`, async () => {
  const { error, progress } = await bench.deliver({ url: url(plain, "/images/b.bin") });
  expect(error).toMatchObject({ code: "delivery/tls-failed", details: { host: "127.0.0.1", port: plain.port } });
  expect(error?.message).toContain("its certificate's issuer is unknown");
  expect(error?.hint).toMatch(/ca.*verify/);
  expect(progress).toEqual([]);
  expect(filesIn(join(plain.root, "images"))).not.toContain("b.bin");
});

test.skipIf(isAbsent)(`verify: false accepts any certificate${WHY}`, async () => {
  const channel = { url: url(plain, "/images/c.bin"), verify: false };
  const { outcome } = await bench.deliver(channel);
  expect(outcome?.bytesSent).toBe(bench.image.sizeBytes);
});

test.skipIf(isAbsent)(
  `a client certificate opens a server that requires one; without it the error says so${WHY}`,
  async () => {
    const client = authority.sign("client", "DNS:publisher");
    const channel = { url: url(strict, "/d.bin"), ca: authority.cert };
    const { outcome } = await bench.deliver({ ...channel, ...client });
    expect(outcome?.bytesSent).toBe(bench.image.sizeBytes);
    expect(readFileSync(join(strict.root, "d.bin")).equals(bench.bytes)).toBe(true);
    const { error } = await bench.deliver(channel);
    expect(error).toMatchObject({ code: "delivery/server-refused", details: { status: 400 } });
    expect(error?.message).toContain("No required SSL certificate was sent");
    expect(error?.hint).toContain("set cert and key");
  },
);

test.skipIf(isAbsent)(`nginx's limit for the size of a request is named, and not tried again${WHY}`, async () => {
  const { error, retries } = await bench.deliver({ url: url(plain, "/small/e.bin"), ca: authority.cert });
  expect(error).toMatchObject({ code: "delivery/server-refused", details: { status: 413 } });
  expect(error?.hint).toContain("client_max_body_size");
  expect(retries).toEqual([]);
});

test.skipIf(isAbsent)(`an image that changed leaves no file on the server${WHY}`, async () => {
  const channel = { url: url(plain, "/images/f.bin"), ca: authority.cert };
  const { error } = await bench.deliver(channel, { image: { sha256: "00".repeat(32) } });
  expect(error).toMatchObject({ code: "delivery/image-mismatch", details: { expected: "00".repeat(32) } });
  expect(filesIn(join(plain.root, "images"))).not.toContain("f.bin");
});
