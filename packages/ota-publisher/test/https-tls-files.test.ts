import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { assertTlsFiles } from "../src/https/https-channel.ts";
import { type Authority, type Certificate, createAuthority, hasOpenssl, runOpenssl } from "./certificate-authority.ts";
import { createHttpsBench, type HttpsBench } from "./https-bench.ts";

const isAbsent = !hasOpenssl();
const WHY = isAbsent ? " (skipped: OpenSSL is not installed; `apt-get install openssl`)" : "";

let bench: HttpsBench;
let authority: Authority;
let own: Certificate;
let other: Certificate;

beforeAll(() => {
  if (isAbsent) return;
  bench = createHttpsBench();
  authority = createAuthority(bench.folder);
  own = authority.sign("own", "DNS:own");
  other = authority.sign("other", "DNS:other");
});

afterAll(() => bench?.remove());

const check = (files: object): Promise<void> =>
  assertTlsFiles(bench.targetOf({ url: "https://updates.example/x", ...files }));

test.skipIf(isAbsent)(`accepts files that belong together${WHY}`, async () => {
  await expect(check({ ca: authority.cert, ...own })).resolves.toBeUndefined();
  await expect(check({})).resolves.toBeUndefined();
});

test.skipIf(isAbsent)(`reports each fault of a TLS file with its path, and nothing of a key${WHY}`, async () => {
  const file = (name: string, content: string | Uint8Array): string => {
    const path = join(bench.folder, name);
    writeFileSync(path, content);
    return path;
  };
  const locked = join(bench.folder, "locked.key");
  runOpenssl(["ec", "-in", own.key, "-out", locked, "-aes256", "-passout", "pass:planted"]);
  const damaged = readFileSync(own.cert, "utf8").replace(/\nMII./, "\nAAAA");
  const keyText = readFileSync(own.key, "utf8");
  const cases = [
    [{ ca: "absent.pem" }, "ca: ", "absent.pem is not there"],
    [{ ca: bench.folder }, "ca: ", "can't be read"],
    [{ ca: file("empty.pem", "") }, "ca: ", "empty.pem holds no certificate"],
    [{ ca: file("binary.pem", new Uint8Array([0x30, 0x82, 0xff])) }, "ca: ", "binary.pem is no PEM file"],
    [{ ca: file("damaged.pem", damaged) }, "ca: ", "certificate 1 of"],
    [{ cert: own.key, key: own.key }, "cert: ", "holds no certificate"],
    [{ cert: own.cert, key: own.cert }, "key: ", "holds no private key"],
    [{ cert: own.cert, key: locked }, "key: ", "without a passphrase"],
    [{ cert: own.cert, key: file("torn.key", keyText.slice(0, 80)) }, "key: ", "holds no private key"],
    [{ cert: own.cert, key: other.key }, "key: ", "is not the key of the first certificate in"],
  ] as const;
  for (const [files, name, expected] of cases) {
    const error = await check(files).then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    expect(error).toMatchObject({ code: "manifest/channel-invalid" });
    expect(error?.message).toContain(`channel https of artifact gateway: ${name}`);
    expect(error?.message).toContain(expected);
    expect(error?.message).not.toContain(keyText.split("\n")[1]);
  }
});
