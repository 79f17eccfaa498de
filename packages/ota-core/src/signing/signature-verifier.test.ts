import { expect, test } from "vitest";
import { createBenchKey } from "../../test/bench-keys.ts";
import { fromHex } from "../bytes.ts";
import { hasSignatureForm, verifySignature } from "./signature-verifier.ts";

const KEYS = { ecdsa: createBenchKey("ecdsa"), rsa: createBenchKey("rsa"), ed25519: createBenchKey("ed25519") };

test.for([
  ["ecdsa", "two small numbers", fromHex("3006020101020101")!, true],
  ["ecdsa", "a number of 33 bytes", fromHex(`3026022101${"00".repeat(32)}020101`)!, false],
  ["ecdsa", "a negative number", fromHex("3006020180020101")!, false],
  ["ecdsa", "r and s alone", new Uint8Array(64).fill(1), false],
  ["rsa", "as many bytes as the modulus", new Uint8Array(256), true],
  ["rsa", "a byte less", new Uint8Array(255), false],
  ["rsa", "a byte more", new Uint8Array(257), false],
  ["ed25519", "64 bytes", new Uint8Array(64), true],
  ["ed25519", "63 bytes", new Uint8Array(63), false],
  ["ed25519", "65 bytes", new Uint8Array(65), false],
  ["ed25519", "nothing", new Uint8Array(), false],
] as const)("%s: %s have the form of a signature, or not", ([type, , signature, fits]) => {
  expect(hasSignatureForm(KEYS[type], signature)).toBe(fits);
});

test("a key verifies only its own signatures, and no signature makes it throw", () => {
  const message = Uint8Array.of(1, 2, 3);
  for (const key of Object.values(KEYS)) {
    const signature = key.sign(message);
    expect(verifySignature(key, message, signature)).toBe(true);
    expect(verifySignature(key, Uint8Array.of(1, 2, 4), signature)).toBe(false);
    for (const other of [
      fromHex("3006020100020100")!,
      fromHex("3006020101020101")!,
      new Uint8Array(64),
      new Uint8Array(256).fill(0xff),
    ])
      expect(verifySignature(key, message, other)).toBe(false);
  }
});
