import { type HttpsChannel, isOtaError } from "@tinybms/ota-core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type HttpsTarget, httpsChannelOf } from "./https-channel.ts";

const WHERE = { manifestFile: "ota/manifest.json", artifact: "gateway", folder: "/line/ota" };
const URL_TEXT = "https://updates.example/firmware.bin";

const targetOf = (channel: object): HttpsTarget => httpsChannelOf(channel as HttpsChannel, WHERE);

function faultOf(channel: object | undefined): string {
  try {
    httpsChannelOf(channel as HttpsChannel | undefined, WHERE);
  } catch (error) {
    if (!isOtaError(error, "manifest/channel-invalid")) throw error;
    expect(error.details).toEqual({ file: "ota/manifest.json", channel: "https" });
    expect(error.message.startsWith("ota/manifest.json: channel https of artifact gateway: ")).toBe(true);
    return error.message;
  }
  return "";
}

test("a channel with only a url means PUT of the body, with certificate checks and 30 s", () => {
  const target = targetOf({ url: URL_TEXT });
  expect(target).toMatchObject({ method: "PUT", timeoutMs: 30_000, verify: true, mode: "body", warnings: [] });
  expect(target.url.href).toBe(URL_TEXT);
  expect([target.headers.size, target.ca, target.cert, target.key]).toEqual([0, undefined, undefined, undefined]);
});

test("mode multipart uses POST unless the channel names a method", () => {
  expect(targetOf({ url: URL_TEXT, mode: "multipart" }).method).toBe("POST");
  expect(targetOf({ url: URL_TEXT, mode: "multipart", method: "put" }).method).toBe("PUT");
});

test("user information becomes an Authorization, and leaves the URL", () => {
  const target = targetOf({ url: "https://op:p%40ss@host.example/a/b?sig=abc#frag" });
  expect(target.headers.get("authorization")).toBe(`Basic ${Buffer.from("op:p@ss").toString("base64")}`);
  expect(target.url.href).toBe("https://host.example/a/b?sig=abc");
  expect(target.display).toBe("https://host.example/a/b");
  expect(target.secrets).toEqual(expect.arrayContaining(["abc", "op", "p@ss", "p%40ss"]));
});

test("an Authorization header overrides the URL's user name, with a warning", () => {
  const target = targetOf({ url: "https://op:pw@host.example/", headers: { Authorization: "Bearer x" } });
  expect(target.headers.get("authorization")).toBe("Bearer x");
  expect(target.warnings).toEqual([expect.stringContaining("the user name in url is unused")]);
});

test("a path that begins with two slashes stays on its host", () => {
  expect(targetOf({ url: "https://op:pw@host.example//evil.example/x" }).url.href).toBe(
    "https://host.example//evil.example/x",
  );
});

test("resolves paths of TLS files from the manifest's folder", () => {
  const target = targetOf({ url: URL_TEXT, ca: "tls/ca.pem", cert: "/etc/c.pem", key: "../k.pem" });
  expect(target).toMatchObject({ ca: "/line/ota/tls/ca.pem", cert: "/etc/c.pem", key: "/line/k.pem" });
});

test.for([
  ["http://192.168.4.1/api/ota", {}, []],
  ["http://gateway.local/api/ota", {}, []],
  ["http://updates.example/x", {}, ["unencrypted to updates.example"]],
  ["http://localhost/x", { ca: "ca.pem" }, ["unused"]],
  [URL_TEXT, { mode: "multipart", headers: { "Content-Type": "a/b" } }, ["sets its own Content-Type"]],
] as const)("%s with %o warns as expected", ([url, more, expected]) => {
  const { warnings } = targetOf({ url, ...more });
  expect(warnings).toHaveLength(expected.length);
  for (const [index, text] of expected.entries()) expect(warnings[index]).toContain(text);
});

test.for([
  [undefined, "there is none; it must have at least a url"],
  [{}, "it has no url"],
  [{ url: "" }, "url is not a URL"],
  [{ url: "updates.example/x" }, "url is not a URL"],
  [{ url: "ftp://host.example/x" }, "url does not begin with https://"],
  [{ url: URL_TEXT, method: "GET" }, "method must be one that sends a body"],
  [{ url: URL_TEXT, method: "PU T" }, "method must be"],
  [{ url: URL_TEXT, mode: "blob" }, "mode must be body or multipart"],
  [{ url: URL_TEXT, timeout: 0 }, "timeout must be above 0 seconds"],
  [{ url: URL_TEXT, timeout: Number.NaN }, "timeout must be above 0 seconds"],
  [{ url: URL_TEXT, verify: "no" }, "verify must be true or false"],
  [{ url: URL_TEXT, cert: "c.pem" }, "key is missing"],
  [{ url: URL_TEXT, key: "k.pem" }, "cert is missing"],
  [{ url: URL_TEXT, ca: "" }, "ca must be the path of a PEM file"],
  [{ url: URL_TEXT, ca: "a\0b" }, "ca must be the path of a PEM file"],
  [{ url: URL_TEXT, headers: { "a b": "x" } }, "a name has other characters than"],
  [{ url: URL_TEXT, headers: { "Content-Length": "1" } }, "Content-Length is set by the delivery itself"],
  [{ url: URL_TEXT, headers: { "Transfer-Encoding": "chunked" } }, "set by the delivery itself"],
  [{ url: URL_TEXT, headers: { A: "1", a: "2" } }, "a occurs twice"],
  [{ url: URL_TEXT, headers: { A: "x\r\nB: y" } }, "the value of A must be text of one line"],
  [{ url: URL_TEXT, headers: { A: 4711 } }, "the value of A must be text of one line"],
] as const)("%o is refused: %s", ([channel, expected]) => {
  expect(faultOf(channel)).toContain(expected);
});

test("any channel gives a target or an OtaError that repeats none of its values", () => {
  const value = fc.oneof(
    fc.string().map((text) => `planted${text}`),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
  );
  const keys = ["url", "method", "timeout", "verify", "ca", "cert", "key", "mode"] as const;
  const channel = fc.record(
    {
      ...Object.fromEntries(keys.map((key) => [key, value])),
      url: fc.oneof(value, fc.webUrl(), fc.constant("https://planted:planted@host.example")),
      headers: fc.oneof(value, fc.dictionary(fc.string(), value)),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(channel, (settings) => {
      expect(faultOf(settings)).not.toContain("planted");
    }),
  );
});
