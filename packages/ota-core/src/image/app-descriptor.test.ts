import fc from "fast-check";
import { expect, test } from "vitest";
import { concatBytes, utf8 } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import { type AppDescriptor, buildAppDescriptor, parseAppDescriptor } from "./app-descriptor.ts";

const descriptor: AppDescriptor = {
  secureVersion: 3,
  version: "1.2.0",
  projectName: "tinybms",
  time: "12:34:56",
  date: "Jan  1 2026",
  idfVersion: "v6.0",
  appElfSha256: new Uint8Array(32).fill(0xa5),
  minEfuseBlockRevision: 1,
  maxEfuseBlockRevision: 199,
  mmuPageSize: 16,
  spiFlashMode: 3,
  reserved1: new Uint8Array(8).fill(1),
  reserved3: new Uint8Array(2).fill(2),
  reserved2: new Uint8Array(72).fill(3),
};

const text = (size: number) =>
  fc
    .string({ unit: "grapheme", maxLength: size })
    .filter((candidate) => !candidate.includes("\0") && utf8(candidate).length <= size);
const raw = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
const anyDescriptor: fc.Arbitrary<AppDescriptor> = fc.record({
  secureVersion: fc.nat(0xffffffff),
  version: text(32),
  projectName: text(32),
  time: text(16),
  date: text(16),
  idfVersion: text(32),
  appElfSha256: raw(32),
  minEfuseBlockRevision: fc.nat(0xffff),
  maxEfuseBlockRevision: fc.nat(0xffff),
  mmuPageSize: fc.nat(0xff),
  spiFlashMode: fc.nat(0xff),
  reserved1: raw(8),
  reserved3: raw(2),
  reserved2: raw(72),
});

function padded(value: string, size: number): Uint8Array {
  return concatBytes([utf8(value), new Uint8Array(size - value.length)]);
}

test("a descriptor has ESP-IDF's layout", () => {
  const bytes = concatBytes([
    Uint8Array.of(0x32, 0x54, 0xcd, 0xab), // magic_word
    Uint8Array.of(3, 0, 0, 0), // secure_version
    new Uint8Array(8).fill(1), // reserv1
    padded("1.2.0", 32),
    padded("tinybms", 32),
    padded("12:34:56", 16),
    padded("Jan  1 2026", 16),
    padded("v6.0", 32),
    new Uint8Array(32).fill(0xa5), // app_elf_sha256
    Uint8Array.of(1, 0), // min_efuse_blk_rev_full
    Uint8Array.of(199, 0), // max_efuse_blk_rev_full
    Uint8Array.of(16, 3), // mmu_page_size, spi_flash_mode
    new Uint8Array(2).fill(2), // reserv3
    new Uint8Array(72).fill(3), // reserv2
  ]);
  expect(buildAppDescriptor(descriptor)).toEqual(bytes);
  expect(parseAppDescriptor(bytes)).toEqual(descriptor);
});

test("every descriptor is parsed back to itself", () => {
  fc.assert(
    fc.property(anyDescriptor, (value) => {
      expect(parseAppDescriptor(buildAppDescriptor(value))).toEqual(value);
    }),
  );
});

test("any bytes give a descriptor or an image/… error", () => {
  const bytes = fc.uint8Array({ maxLength: 300, size: "max" }).map((value) => {
    if (value.length % 3 !== 0 && value.length >= 4) value.set([0x32, 0x54, 0xcd, 0xab]); // let some past the magic
    return value;
  });
  fc.assert(
    fc.property(bytes, (value) => {
      try {
        expect(parseAppDescriptor(value).reserved2).toHaveLength(72);
      } catch (error) {
        if (!isOtaError(error)) throw error;
        expect(error.code).toMatch(/^image\/(truncated|bad-magic|invalid)$/);
      }
    }),
  );
});

test("every truncation is refused", () => {
  const bytes = buildAppDescriptor(descriptor);
  for (let size = 0; size < 256; size++) {
    expect(() => parseAppDescriptor(bytes.subarray(0, size))).toThrow(
      expect.objectContaining({ code: "image/truncated", details: { offset: 0, needed: 256, actual: size } }),
    );
  }
});

/** What is kept of a descriptor's bytes: everything but what follows the NUL of a text. */
function kept(bytes: Uint8Array): Uint8Array {
  const result = Uint8Array.from(bytes);
  for (const [offset, size] of [
    [16, 32],
    [48, 32],
    [80, 16],
    [96, 16],
    [112, 32],
  ] as const) {
    const nul = result.subarray(offset, offset + size).indexOf(0);
    if (nul !== -1) result.fill(0, offset + nul, offset + size);
  }
  return result;
}

test("a flipped bit is refused, or kept unless it lies behind the NUL of a text", () => {
  const bytes = buildAppDescriptor(descriptor);
  const refused: string[] = [];
  for (let bit = 0; bit < 2048; bit++) {
    const flipped = Uint8Array.from(bytes);
    flipped[bit >>> 3]! ^= 1 << (bit & 7);
    try {
      expect(buildAppDescriptor(parseAppDescriptor(flipped)), `bit ${bit}`).toEqual(kept(flipped));
    } catch (error) {
      if (!isOtaError(error)) throw error;
      refused.push(error.code);
    }
  }
  expect(new Set(refused)).toEqual(new Set(["image/bad-magic", "image/invalid"]));
  expect(refused.filter((code) => code === "image/bad-magic")).toHaveLength(32);
});

test("a text that fills its field needs no terminator", () => {
  const version = "v".repeat(32);
  expect(parseAppDescriptor(buildAppDescriptor({ ...descriptor, version })).version).toBe(version);
});

test("a text ends at its first NUL", () => {
  const bytes = buildAppDescriptor(descriptor);
  bytes.set(utf8("garbage"), 16 + 6); // behind "1.2.0" and its NUL
  expect(parseAppDescriptor(bytes).version).toBe("1.2.0");
});

test("a text that isn't UTF-8 is refused with its offset", () => {
  const bytes = buildAppDescriptor(descriptor);
  bytes[48] = 0xff; // first byte of project_name
  expect(() => parseAppDescriptor(bytes)).toThrow(
    expect.objectContaining({
      code: "image/invalid",
      details: { offset: 48 },
      message: "app descriptor: projectName isn't UTF-8",
    }),
  );
});

test.for([
  { wrong: { version: "v".repeat(33) }, message: "version is 33 bytes of UTF-8; it must be at most 32" },
  { wrong: { time: "é".repeat(9) }, message: "time is 18 bytes" },
  { wrong: { date: "a\0b" }, message: "date holds a NUL" },
  { wrong: { projectName: "\ud800" }, message: "projectName isn't well-formed Unicode" },
  { wrong: { secureVersion: -1 }, message: "secureVersion is -1" },
  { wrong: { maxEfuseBlockRevision: 0x10000 }, message: "maxEfuseBlockRevision is 65536" },
  { wrong: { mmuPageSize: 1.5 }, message: "mmuPageSize is 1.5" },
  { wrong: { appElfSha256: new Uint8Array(31) }, message: "appElfSha256 is 31 bytes; it must be 32" },
])("a descriptor is not built when $message", ({ wrong, message }) => {
  expect(() => buildAppDescriptor({ ...descriptor, ...wrong })).toThrow(
    expect.objectContaining({ code: "image/invalid", message: expect.stringContaining(message) }),
  );
});
