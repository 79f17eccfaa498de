import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createBenchKey } from "../../test/bench-keys.ts";
import { isOtaError } from "../errors.ts";
import { buildPublicKeyPem, parsePublicKeyPem } from "./pem.ts";
import { parsePublicKey } from "./public-key.ts";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const PEM = publicKey.export({ format: "pem", type: "spki" }).toString();
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });

test("writes the same file as Node and OpenSSL, and parses it back to the same key", () => {
  expect(buildPublicKeyPem(parsePublicKeyPem(PEM))).toBe(PEM);
  const pem = rsa.publicKey.export({ format: "pem", type: "spki" }).toString();
  expect(buildPublicKeyPem(parsePublicKeyPem(pem))).toBe(pem);
  const { keyid, alg, sizeBits, spki } = createBenchKey("ed25519");
  expect(parsePublicKeyPem(buildPublicKeyPem({ spki }))).toEqual({ keyid, alg, sizeBits, spki });
});

test("accepts Windows line ends and surrounding white space", () => {
  expect(parsePublicKeyPem(`\n  ${PEM.replaceAll("\n", "\r\n")}\n`)).toEqual(parsePublicKeyPem(PEM));
});

const lines = PEM.split("\n");

test.for([
  ["a private key", privateKey.export({ format: "pem", type: "pkcs8" }).toString(), "it is a private key"],
  [
    "an encrypted private key",
    privateKey.export({ format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase: "x" }).toString(),
    "it is a private key",
  ],
  ["an EC key of old", privateKey.export({ format: "pem", type: "sec1" }).toString(), "it is a private key"],
  ["an RSA key of PKCS #1", rsa.publicKey.export({ format: "pem", type: "pkcs1" }).toString(), "PKCS #1"],
  ["a certificate", PEM.replaceAll("PUBLIC KEY", "CERTIFICATE"), "it is a certificate"],
  ["something else", PEM.replaceAll("PUBLIC KEY", "DH PARAMETERS"), "it holds DH PARAMETERS"],
  ["text before", `Public-Key: (256 bit)\n${PEM}`, "nothing before, in or after"],
  ["text behind", `${PEM}junk`, "nothing before, in or after"],
  ["a header inside", lines.toSpliced(1, 0, "Comment: x", "").join("\n"), "nothing before, in or after"],
  ["two keys", PEM + PEM, "2 PEM blocks"],
  ["two labels", PEM.replace("END PUBLIC", "END SECRET"), "nothing before, in or after"],
  ["an end that is missing", lines.slice(0, 3).join("\n"), "nothing before, in or after"],
  ["loose base64", PEM.replace(/(.)\n-----END/, "$1A\n-----END"), "not canonical base64"],
  ["no PEM", "hello", "no PEM block"],
  ["nothing", "", "no PEM block"],
  ["17 kB", PEM + " ".repeat(17_000), "at most 16384"],
] as const)("a file with %s is refused with the reason", ([, text, reason]) => {
  expect(() => parsePublicKeyPem(text)).toThrow(
    expect.objectContaining({ code: "signing/key-malformed", message: expect.stringContaining(reason) }),
  );
});

test("any text gives a key or an OtaError", () => {
  const damaged = fc.tuple(fc.nat({ max: PEM.length - 1 }), fc.string({ maxLength: 2 })).map(([at, text]) => {
    return PEM.slice(0, at) + text + PEM.slice(at + 1);
  });
  fc.assert(
    fc.property(fc.oneof(fc.string(), damaged), (text) => {
      try {
        const key = parsePublicKeyPem(text);
        expect(parsePublicKey(key.spki)).toEqual(key);
      } catch (error) {
        if (!isOtaError(error)) throw error;
      }
    }),
    { numRuns: 500 },
  );
});
