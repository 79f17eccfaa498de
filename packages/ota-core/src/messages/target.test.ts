import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { targetAdmits } from "./target.ts";

const device = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const salt = fc.stringMatching(/^[0-9a-f]{32}$/);

test("an offer for all includes every device, an offer with a list only the listed devices", () => {
  expect(targetAdmits("all", "bench-1")).toBe(true);
  expect(targetAdmits({ devices: ["bench-1", "bench-2"] }, "bench-2")).toBe(true);
  expect(targetAdmits({ devices: ["bench-1", "bench-2"] }, "bench")).toBe(false);
});

test("a rollout admits by the first four bytes of SHA-256(salt ‖ device), big-endian, modulo 1000", () => {
  fc.assert(
    fc.property(salt, device, (digits, name) => {
      const hash = createHash("sha256").update(Buffer.from(digits, "hex")).update(name, "utf8").digest();
      const place = hash.readUInt32BE(0) % 1000;
      expect(targetAdmits({ rollout: { permille: place, salt: digits } }, name)).toBe(false);
      expect(targetAdmits({ rollout: { permille: place + 1, salt: digits } }, name)).toBe(true);
    }),
  );
});

test("a wider rollout with the same salt keeps its devices; 0 admits no device and 1000 every device", () => {
  fc.assert(
    fc.property(salt, device, fc.nat({ max: 1000 }), fc.nat({ max: 1000 }), (digits, name, one, other) => {
      const admits = (permille: number) => targetAdmits({ rollout: { permille, salt: digits } }, name);
      if (admits(Math.min(one, other))) expect(admits(Math.max(one, other))).toBe(true);
      expect(admits(0)).toBe(false);
      expect(admits(1000)).toBe(true);
    }),
  );
});

test("a rollout of 50 in 1000 admits about one device in twenty", () => {
  const target = { rollout: { permille: 50, salt: "00112233445566778899aabbccddeeff" } };
  const admitted = Array.from({ length: 10_000 }, (_, index) => `gateway-${index}`).filter((name) =>
    targetAdmits(target, name),
  );
  // five standard deviations of a binomial distribution around 500
  expect(admitted.length).toBeGreaterThan(390);
  expect(admitted.length).toBeLessThan(610);
});

test("a salt that is not hexadecimal admits no device", () => {
  expect(targetAdmits({ rollout: { permille: 1000, salt: "xyz" } }, "bench-1")).toBe(false);
});
