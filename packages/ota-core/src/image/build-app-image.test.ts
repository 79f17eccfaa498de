import fc from "fast-check";
import { expect, test } from "vitest";
import { assertAppImage, verifyAppImage } from "./app-image.ts";
import { parseAppImage } from "./app-image-scanner.ts";
import { buildAppImage } from "./build-app-image.ts";
import { CHIPS, isMappedAddress } from "./chips.ts";

test.for(CHIPS)("an image for the $name passes the bootloader's checks", (chip) => {
  for (const sizeBytes of [0, 4096, 100_000, 131_072, 300_000]) {
    const image = parseAppImage(buildAppImage({ chip: chip.name, sizeBytes }));
    verifyAppImage(image);
    assertAppImage(image);
    expect(image.header.chipId).toBe(chip.id);
    for (const { loadAddress, dataOffset } of image.segments) {
      // Slots begin on a page, so that the offset in the image stands for the one in flash.
      if (isMappedAddress(chip, loadAddress)) expect(loadAddress % 0x10000).toBe(dataOffset % 0x10000);
    }
    expect(isMappedAddress(chip, image.segments[0]!.loadAddress)).toBe(true);
  }
});

test("an image of 128 KiB has constants, RAM, padding and code, in this order", () => {
  const { segments } = parseAppImage(buildAppImage({ sizeBytes: 128 * 1024 }));
  expect(segments.map(({ loadAddress }) => loadAddress)).toEqual([0x3f40_0020, 0x3ffa_e000, 0, 0x400e_0020]);
  expect(segments[3]!.dataOffset).toBe(0x1_0020);
});

test("a small image has only constants and RAM", () => {
  expect(parseAppImage(buildAppImage({ sizeBytes: 8192 })).segments).toHaveLength(2);
});

test("an image has the requested size, rounded up to a multiple of 16", () => {
  fc.assert(
    fc.property(fc.integer({ min: 400, max: 500_000 }), fc.boolean(), (sizeBytes, hashAppended) => {
      const bytes = buildAppImage({ sizeBytes, hashAppended });
      expect(bytes).toHaveLength(16 * Math.ceil(sizeBytes / 16));
      verifyAppImage(parseAppImage(bytes));
    }),
    { numRuns: 40 },
  );
});

test("the app descriptor and the header contain the given fields", () => {
  const bytes = buildAppImage({
    chip: "esp32c3",
    version: "1.2.3",
    projectName: "tinybms",
    idfVersion: "v5.4",
    secureVersion: 7,
    minChipRevisionFull: 3,
    maxChipRevisionFull: 199,
    spiSize: 3,
    hashAppended: false,
  });
  const { header, descriptor, appendedHash } = parseAppImage(bytes);
  expect(descriptor).toMatchObject({ version: "1.2.3", projectName: "tinybms", idfVersion: "v5.4", secureVersion: 7 });
  expect(header).toMatchObject({ chipId: 5, minChipRevisionFull: 3, maxChipRevisionFull: 199, spiSize: 3 });
  expect(appendedHash).toBeUndefined();
});

test("the same spec gives the same bytes", () => {
  expect(buildAppImage({ sizeBytes: 200_000, seed: 5 })).toEqual(buildAppImage({ sizeBytes: 200_000, seed: 5 }));
});

test("images of two seeds differ in every sector", () => {
  const [one, two] = [1, 2].map((seed) => buildAppImage({ sizeBytes: 512 * 1024, seed }));
  for (let offset = 0; offset < one!.length; offset += 4096) {
    expect(one!.subarray(offset, offset + 4096), `sector at ${offset}`).not.toEqual(
      two!.subarray(offset, offset + 4096),
    );
  }
});

test.for([
  { spec: { sizeBytes: -1 }, why: "a negative size" },
  { spec: { sizeBytes: Number.NaN }, why: "no size" },
  { spec: { sizeBytes: 2 ** 31 }, why: "a size beyond any flash" },
  { spec: { version: "v".repeat(33) }, why: "a version that doesn't fit" },
  { spec: { chip: "esp8266" as "esp32" }, why: "a chip of another family" },
  { spec: { chip: "esp32", sizeBytes: 26 * 1024 * 1024 } as const, why: "a segment of 16 MiB" },
])("builds no image if $why", ({ spec }) => {
  expect(() => buildAppImage(spec)).toThrow(expect.objectContaining({ code: "image/invalid" }));
});
