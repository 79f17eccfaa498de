// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how manifests name variables.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Channels } from "../schemas/types.generated.ts";
import { redactorOf, redactUserInfo } from "../secret-text.ts";
import { secretsOf } from "./secrets.ts";

/** The literal secrets of channels, as `pointer value`. */
const literals = (channels: Channels) =>
  secretsOf(channels)
    .filter(({ isLiteral }) => isLiteral)
    .map(({ pointer, value }) => `${pointer} ${value}`);

test.for([
  [{ mqtt: { password: "hunter2" } }, ["/mqtt/password hunter2"]],
  [{ mqtt: { broker: "mqtts://ops:hunter2@broker" } }, ["/mqtt/broker hunter2"]],
  [{ mqtt: { broker: "mqtts://token@broker" } }, ["/mqtt/broker token"]],
  [{ mqtt: { broker: "mqtts://ops:hun/t@er2@broker" } }, ["/mqtt/broker hun/t@er2"]],
  [{ https: { headers: { Authorization: "Bearer abc" } } }, ["/https/headers/Authorization Bearer abc"]],
  [
    { https: { headers: { "X-API-Key": "abc", Cookie: "s=1" } } },
    ["/https/headers/X-API-Key abc", "/https/headers/Cookie s=1"],
  ],
  [{ https: { url: "https://h/x?a=1&access_token=abc#f" } }, ["/https/url abc"]],
  [{ https: { url: "https://h/x?X-Amz-Signature=abc&X-Amz-Expires=9" } }, ["/https/url abc"]],
  [{ mqtt: { key: "-----BEGIN PRIVATE KEY-----\nMIIE" } }, ["/mqtt/key -----BEGIN PRIVATE KEY-----\nMIIE"]],
  [
    { pigeon: { options: { apiKey: 4711, secrets: ["a"] } } },
    ["/pigeon/options/apiKey 4711", "/pigeon/options/secrets/0 a"],
  ],
  // A default in a reference is as literal as anything.
  [{ mqtt: { password: "${P:-hunter2}" } }, ["/mqtt/password ${P:-hunter2}"]],
  [{ mqtt: { password: "pa$$word" } }, ["/mqtt/password pa$$word"]],
] as [Channels, string[]][])("%j holds a literal secret", ([channels, expected]) => {
  expect(literals(channels)).toEqual(expected);
});

test.for([
  { mqtt: { broker: "mqtts://broker:8883", topic: "a/b", username: "ops", client_id: "desk" } },
  { mqtt: { password: "$MQTT_PASSWORD" } },
  { mqtt: { password: "${MQTT_PASSWORD:-}" } },
  { mqtt: { broker: "mqtts://ops:$P@broker" } },
  { mqtt: { ca: "ca.pem", cert: "client.pem", key: "/etc/keys/client.pem" } },
  { https: { headers: { Authorization: "Bearer $TOKEN", "Content-Type": "application/octet-stream" } } },
  { https: { url: "https://h/x?token=${T}&page=2" } },
  { pigeon: { token_url: "https://login.example", password_file: "/run/secret" } },
] as Channels[])("%j holds no literal secret", (channels) => {
  expect(literals(channels)).toEqual([]);
});

test("a secret is redacted in each of its spellings", () => {
  const redact = redactorOf(['hunter2 &"', "Basic b3BzOnMzY3IzdA==", "ab"]);
  expect(redact('a hunter2 &" b')).toBe("a *** b");
  expect(redact(`u=${encodeURIComponent('hunter2 &"')}`)).toBe("u=***");
  expect(redact(JSON.stringify({ x: 'hunter2 &"' }))).toBe('{"x":"***"}');
  expect(redact("Authorization: Basic b3BzOnMzY3IzdA==")).toBe("Authorization: ***");
  expect(redact("b3BzOnMzY3IzdA==, ops:s3cr3t, s3cr3t")).toBe("***, ***, ***");
  // Two letters are a secret where they stand alone.
  expect(redact("ab, cab, ab1")).toBe("***, cab, ab1");
});

test("user information in any URL is redacted", () => {
  expect(redactUserInfo("connect mqtts://ops:hunter2@broker:8883/x failed")).toBe(
    "connect mqtts://***@broker:8883/x failed",
  );
  expect(redactUserInfo("https:/ops:hun/ter@2@h/x")).toBe("https:/***@h/x");
  expect(redactUserInfo("C:/work/@scope/x, a@b.c, mqtt://broker")).toBe("C:/work/@scope/x, a@b.c, mqtt://broker");
});

test("any secrets are redacted in any text, and other text stays", () => {
  const secret = fc.string({ unit: "binary", minLength: 4, maxLength: 12 }).filter((text) => text.trim().length >= 4);
  const word = fc.constantFrom("", "broker ", "line 3: ", "%20");
  fc.assert(
    fc.property(fc.array(secret, { minLength: 1, maxLength: 3 }), word, word, (secrets, before, after) => {
      fc.pre(secrets.every((text) => !"***".includes(text.trim()) && !`${before}***${after}`.includes(text.trim())));
      const redact = redactorOf(secrets);
      for (const text of secrets) expect(redact(before + text + after)).not.toContain(text.trim());
      const harmless = "0 12 345";
      if (secrets.every((text) => !/[0-9]/.test(text))) expect(redact(harmless)).toBe(harmless);
    }),
  );
});

test("a secret of a mebibyte is redacted too", () => {
  const secret = "0123456789abcdef".repeat(2 ** 16);
  expect(redactorOf([secret])(`a ${secret} b`)).toBe("a *** b");
});

test("terminates on hostile texts of a mebibyte", () => {
  for (const piece of ["a://", "?token", "&a=", "-----BEGIN ", "x@"]) {
    const url = piece.repeat(2 ** 20 / piece.length);
    secretsOf({ mqtt: { broker: url } });
    redactUserInfo(url);
  }
  expect(redactUserInfo("a://".repeat(2 ** 18))).toHaveLength(2 ** 20);
});
