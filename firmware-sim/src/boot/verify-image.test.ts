import { fromHex, sha256, toHex } from "@tinybms/ota-core";
import {
  type AppImageSpec,
  buildAppDescriptor,
  buildAppImage,
  type ChipName,
  chipByName,
  encodeAppImage,
} from "@tinybms/ota-core/esp";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EspAbort } from "../esp-err/esp-abort.ts";
import { NorFlash } from "../flash/nor-flash.ts";
import { idfRelease } from "../idf-release/idf-release.ts";
import { Efuse, type EfuseFields } from "./efuse.ts";
import type { VerifyOptions } from "./image-verification.ts";
import { verifyImage } from "./verify-image.ts";

const MIB = 1024 * 1024;
const SLOT = 0x10000;

interface Case {
  readonly chip?: ChipName;
  readonly image: Uint8Array;
  readonly offset?: number;
  readonly sizeBytes?: number;
  readonly efuse?: EfuseFields;
  readonly options?: Partial<VerifyOptions>;
}

function verify({ chip: name = "esp32", image, offset = SLOT, sizeBytes = SLOT, efuse, options }: Case) {
  const flash = new NorFlash(MIB);
  flash.load(offset, image);
  const chip = chipByName(name)!;
  return verifyImage(flash, { offset, sizeBytes }, chip, new Efuse(chip, efuse), {
    environment: "app",
    behaviors: idfRelease("6.2-dev").behaviors,
    ...options,
  });
}

/** An image with bytes changed after it was made; a changed checksum or hash is not put right. */
function patched(
  spec: AppImageSpec,
  ...patches: readonly (readonly [offset: number, ...bytes: number[]])[]
): Uint8Array {
  const image = buildAppImage(spec);
  for (const [offset, ...bytes] of patches) image.set(bytes, offset);
  return image;
}

/** Load address 0x3f400020 maps to any flash offset that ends in 0x0020, that of segment 0 of a slot on a page. */
const DROM = 0x3f40_0020;

function withSegments(...segments: readonly { readonly loadAddress: number; readonly data: Uint8Array }[]): Uint8Array {
  const header = {
    spiMode: 2,
    spiSpeed: 0,
    spiSize: 2,
    entryAddress: 0x4008_0400,
    wpPin: 0xee,
    spiPinDrive: [0, 0, 0],
    chipId: 0,
    minChipRevision: 0,
    minChipRevisionFull: 0,
    maxChipRevisionFull: 399,
    reserved: 0,
  } as const;
  return encodeAppImage({ header, segments, hashAppended: true });
}

test("verifies the golden image of the reference", () => {
  const descriptor = buildAppDescriptor({
    secureVersion: 0,
    version: "1.0.0",
    projectName: "sim",
    time: "",
    date: "",
    idfVersion: "v6.2",
    appElfSha256: new Uint8Array(32),
    minEfuseBlockRevision: 0,
    maxEfuseBlockRevision: 199,
    mmuPageSize: 16,
    spiFlashMode: 0,
    reserved1: new Uint8Array(8),
    reserved3: new Uint8Array(2),
    reserved2: new Uint8Array(72),
  });
  // Magic, one segment, DIO, 4 MB; entry 0x40080400; chip 0, revisions 0 to 3.99; hash appended. Then the segment.
  const head = fromHex("e901022000040840ee0000000000000000" + "8f010000000001" + "2000403f00010000")!;
  const image = new Uint8Array(336);
  image.set(head);
  image.set(descriptor, 32);
  image[303] = 0x22; // checksum
  image.set(fromHex("c7b14a798cb8c3f02b717b496e8aedcd15a059bda1c073df1897c94802a9e372")!, 304);
  expect(toHex(sha256(image.subarray(0, 304)))).toBe(toHex(image.subarray(304)));
  expect(verify({ image })).toMatchObject({
    kind: "valid",
    image: { imageSizeBytes: 336, descriptor: { version: "1.0.0", projectName: "sim" } },
  });
});

test("verifies an image from Espressif's tools, and classifies its segments", () => {
  const image = buildAppImage({ sizeBytes: 200_000 });
  const result = verify({ image, sizeBytes: 256 * 1024 });
  expect(result).toMatchObject({ kind: "valid", image: { imageSizeBytes: 200_000 } });
  if (result.kind !== "valid") return;
  expect(result.image.segments.map(({ use }) => use)).toEqual(["map", "load", "none", "map"]);
});

interface Refusal extends Case {
  readonly what: string;
  readonly step: number;
  readonly err: number;
}

const REFUSALS: readonly Refusal[] = [
  { what: "a slot of more than 16 MiB", step: 2, err: 0x102, image: buildAppImage(), sizeBytes: 0x100_0001 },
  { what: "erased flash", step: 4, err: 0x2002, image: new Uint8Array(0) },
  { what: "another chip", step: 5, err: -1, image: buildAppImage({ chip: "esp32c3" }) },
  { what: "a later chip revision", step: 6, err: -1, image: buildAppImage({ minChipRevisionFull: 301 }) },
  { what: "a lowest revision of 65535", step: 6, err: -1, image: buildAppImage({ minChipRevisionFull: 65535 }) },
  { what: "an earlier chip revision", step: 7, err: -1, image: buildAppImage({ maxChipRevisionFull: 299 }) },
  { what: "17 segments", step: 8, err: 0x2002, image: patched({}, [1, 17]) },
  { what: "a segment of 3 bytes more than words", step: 9, err: 0x2002, image: patched({}, [28, 0x03]) },
  { what: "a segment of 16 MiB", step: 9, err: 0x2002, image: patched({}, [28, 0, 0, 0, 1]) },
  {
    what: "a first segment without room for the descriptor",
    step: 10,
    err: 0x2002,
    image: withSegments({ loadAddress: DROM, data: new Uint8Array(252) }),
  },
  {
    what: "no descriptor on a chip that insists on it",
    chip: "esp32c6",
    step: 11,
    err: -1,
    image: patched({ chip: "esp32c6" }, [32, 0]),
  },
  {
    what: "mapped data that doesn't lie where its address says",
    step: 12,
    err: 0x2002,
    image: withSegments({ loadAddress: DROM + 4, data: new Uint8Array(256) }),
  },
  {
    what: "a good image in a slot that isn't on an MMU page",
    step: 12,
    err: 0x2002,
    image: buildAppImage(),
    offset: 0x11000,
  },
  {
    what: "a segment across the end of the flash",
    step: 14,
    err: -1,
    image: patched({}, [28, 0, 0, 0x20, 0]),
  },
  {
    what: "a later eFuse block revision",
    chip: "esp32c3",
    step: 15,
    err: -1,
    image: buildAppImage({ chip: "esp32c3", minEfuseBlockRevision: 1 }),
  },
  {
    what: "an earlier eFuse block revision",
    chip: "esp32c3",
    step: 15,
    err: -1,
    image: buildAppImage({ chip: "esp32c3", maxEfuseBlockRevision: 99 }),
    efuse: { blockRevision: 100 },
  },
  { what: "a flipped bit of data", step: 18, err: 0x2002, image: patched({}, [48, 0x39]) },
  {
    what: "an image longer than its slot",
    step: 19,
    err: 0x2002,
    image: buildAppImage({ sizeBytes: 0x2000 }),
    sizeBytes: 0x1ff0,
  },
  { what: "a flipped bit of the header", step: 20, err: 0x2002, image: patched({}, [2, 3]) },
  {
    what: "a lower secure version, in a bootloader with anti-rollback",
    step: 21,
    err: -1,
    image: buildAppImage({ secureVersion: 1 }),
    efuse: { secureVersion: 2 },
    options: { environment: "bootloader", antiRollback: true },
  },
];

test.for(REFUSALS)("step $step refuses $what", (refusal) => {
  expect(verify(refusal)).toMatchObject({ kind: "invalid", step: refusal.step, err: refusal.err });
});

test.for([
  { what: "a highest revision of 0", image: buildAppImage({ maxChipRevisionFull: 0 }) },
  {
    what: "an earlier revision where the eFuse says not to mind",
    image: buildAppImage({ maxChipRevisionFull: 100 }),
    efuse: { disableWaferVersionMajor: true },
  },
  { what: "block revisions on an ESP32", image: buildAppImage({ minEfuseBlockRevision: 200 }) },
  { what: "a lower secure version in an app", image: buildAppImage(), efuse: { secureVersion: 1 } },
  { what: "no appended hash", image: buildAppImage({ hashAppended: false }) },
  { what: "junk after its end", image: Uint8Array.of(...buildAppImage(), 1, 2, 3) },
  {
    what: "a zero-length segment",
    image: withSegments({ loadAddress: DROM, data: new Uint8Array(256) }, { loadAddress: 0, data: new Uint8Array(0) }),
  },
] as readonly (Case & { what: string })[])("an image with $what verifies", (allowed) => {
  expect(verify(allowed).kind).toBe("valid");
});

test("accepts an image without segments", () => {
  // Header; padding with checksum 0xef at 31; hash.
  const head = Uint8Array.of(...buildAppImage().subarray(0, 24), 0, 0, 0, 0, 0, 0, 0, 0xef);
  head[1] = 0;
  expect(verify({ image: Uint8Array.of(...head, ...sha256(head)) })).toMatchObject({
    kind: "valid",
    image: { imageSizeBytes: 64, segments: [], descriptor: undefined },
  });
});

describe("a bootloader built to skip validation", () => {
  const options = { environment: "bootloader", validate: false } as const;

  test.for([
    { what: "another chip", image: buildAppImage({ chip: "esp32s3" }) },
    { what: "a flipped bit", image: patched({}, [48, 0x39]) },
    { what: "another revision", image: buildAppImage({ minChipRevisionFull: 900 }) },
  ])("boots $what", ({ image }) => {
    // The load address of an S3 is no mapped one on an ESP32, so its alignment isn't looked at.
    expect(verify({ image, options }).kind).toBe("valid");
  });

  test.for([
    { what: "erased flash", image: new Uint8Array(0), step: 4 },
    { what: "17 segments", image: patched({}, [1, 17]), step: 8 },
    { what: "an image longer than its slot", image: buildAppImage({ sizeBytes: 0x20000 }), step: 19 },
  ])("still rejects $what", ({ image, step }) => {
    expect(verify({ image, options })).toMatchObject({ kind: "invalid", step });
  });
});

test("aborts on an image without a descriptor with anti-rollback", () => {
  const image = withSegments({ loadAddress: DROM, data: new Uint8Array(256) });
  expect(verify({ image }).kind).toBe("valid");
  expect(() => verify({ image, options: { antiRollback: true } })).toThrow(EspAbort);
});

test("rejects an image beyond the end of the flash in the bootloader as too long for its slot", () => {
  const image = patched({}, [28, 0, 0, 0x20, 0]);
  expect(verify({ image, options: { environment: "bootloader" } })).toMatchObject({ step: 19, err: 0x2002 });
});

test("boots a device whose descriptor texts are not UTF-8", () => {
  const data = new Uint8Array(256);
  data.set([0x32, 0x54, 0xcd, 0xab]);
  data.set([0x41, 0xff, 0x42], 16); // version
  const result = verify({ image: withSegments({ loadAddress: DROM, data }) });
  expect(result).toMatchObject({ kind: "valid", image: { descriptor: { version: "A?B" } } });
});

test("accepts or rejects any bytes with ESP-IDF's error number, and writes nothing", () => {
  const valid = buildAppImage();
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }).map((patches) => {
      const image = valid.slice();
      for (const [offset, value] of patches) image[offset] = value;
      return image;
    }),
  );
  fc.assert(
    fc.property(bytes, fc.constantFrom("app" as const, "bootloader" as const), (image, environment) => {
      const result = verify({ image, options: { environment } });
      if (result.kind === "invalid") expect([0x102, 0x2002, -1, 0x6001]).toContain(result.err);
      else expect(result.image.imageSizeBytes % 16).toBe(0);
    }),
    { numRuns: 300 },
  );
});
