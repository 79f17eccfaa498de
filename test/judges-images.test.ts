// esptool image-info reads app images and bootloaders, real ones and ours: it must see what our parser sees, and call
// wrong what we call wrong.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { equalBytes, isOtaError, toHex } from "@tinybms/ota-core";
import {
  type AppImage,
  type AppImageSpec,
  buildAppImage,
  buildOtadataEntry,
  buildPartitionTable,
  CHIPS,
  encodeAppImage,
  parseAppImage,
  parseOtadata,
  parsePartitionTable,
  verifyAppImage,
} from "@tinybms/ota-core/esp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FIRMWARE, firmware, hasNoFirmware } from "./firmware-folder.ts";
import { hasNoJudges, JUDGES, judge, type ToolVerdict } from "./judges-python.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tinybms-judges-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What image-info says of each, in their order. */
async function imageInfo(images: readonly Uint8Array[]): Promise<readonly ToolVerdict[]> {
  const files = await Promise.all(
    images.map(async (bytes, index) => {
      const file = join(folder, `${index}.bin`);
      await writeFile(file, bytes);
      return file;
    }),
  );
  return judge(files.map((file) => ({ tool: "esptool", args: ["image-info", file] })));
}

/** image-info ends well even where a sum is wrong, and says so. */
function passes({ ok, output }: ToolVerdict): boolean {
  return ok && /Checksum: 0x[0-9a-f]+ \(valid\)/.test(output) && !output.includes("(invalid");
}

function isAccepted(bytes: Uint8Array): boolean {
  try {
    verifyAppImage(parseAppImage(bytes));
    return true;
  } catch (error) {
    if (isOtaError(error)) return false;
    throw error;
  }
}

const hex = (value: number, digits: number) => `0x${value.toString(16).padStart(digits, "0")}`;
const revision = (full: number) => `v${Math.floor(full / 100)}.${full % 100}`;

/** The lines in which image-info tells what we parsed. Memory types and names of flash modes are its own. */
function linesOf({ header, segments, checksum, appendedHash, descriptor }: AppImage): string[] {
  const lines = [
    `Segments: ${segments.length}`,
    `Chip ID: ${header.chipId} (`,
    `Minimal chip revision: ${revision(header.minChipRevisionFull)}, (legacy min_rev = ${header.minChipRevision})`,
    `Maximal chip revision: ${revision(header.maxChipRevisionFull)}`,
    `Checksum: ${hex(checksum.stored, 2)} (valid)`,
    `Flash size: ${2 ** header.spiSize}MB`,
    ...segments.map(({ loadAddress, dataOffset, dataSize }) => {
      // The offset is that of the segment's header.
      return `${hex(dataSize, 5)}  ${hex(loadAddress, 8)}  ${hex(dataOffset - 8, 8)}`;
    }),
  ];
  if (header.entryAddress !== 0) lines.push(`Entry point: ${hex(header.entryAddress, 8)}`);
  if (appendedHash !== undefined) lines.push(`Validation hash: ${toHex(appendedHash.stored)} (valid)`);
  if (descriptor === undefined) return lines;
  const { projectName, version, date, time, appElfSha256, idfVersion, secureVersion } = descriptor;
  return [
    ...lines,
    `Project name: ${projectName}`,
    `App version: ${version}`,
    `Compile time: ${date} ${time}`,
    `ELF file SHA256: ${toHex(appElfSha256)}`,
    `ESP-IDF: ${idfVersion}`,
    `Minimal eFuse block revision: ${revision(descriptor.minEfuseBlockRevision).slice(1)}`,
    `Maximal eFuse block revision: ${revision(descriptor.maxEfuseBlockRevision).slice(1)}`,
    `Secure version: ${secureVersion}`,
  ];
}

/** Real images by name: file, and where in it the image begins. */
const REAL: readonly (readonly [file: string, offset: number])[] = [
  ["0.14.3/WLED_0.14.3_ESP32.bin", 0],
  ["0.14.3/WLED_0.14.3_ESP32-C3.bin", 0],
  ["0.14.3/WLED_0.14.3_ESP32-S3_8MB.bin", 0],
  ["0.14.4/WLED_0.14.4_ESP32.bin", 0],
  ["0.14.4/WLED_0.14.4_ESP32-C3.bin", 0],
  ["0.14.4/WLED_0.14.4_ESP32-S3_8MB.bin", 0],
  ["boot/bootloader_s2.bin", 0],
  ["boot/bootloader_s3.bin", 0],
  ["boot/esp32_bootloader_v4.bin", 0x1000], // merged images, from flash offset 0
  ["boot/esp32-c3_bootloader_v2.bin", 0],
];

test.skipIf(hasNoJudges || hasNoFirmware)(
  `image-info reads every real app and bootloader as we do${JUDGES}${FIRMWARE}`,
  async () => {
    const images = REAL.map(([file, offset]) => {
      const bytes = firmware(file).subarray(offset);
      return bytes.subarray(0, parseAppImage(bytes).imageSize);
    });
    const verdicts = await imageInfo(images);
    for (const [index, [file]] of REAL.entries()) {
      const image = parseAppImage(images[index]!);
      expect(passes(verdicts[index]!), `${file}\n${verdicts[index]!.output}`).toBe(true);
      for (const line of linesOf(image)) expect(verdicts[index]!.output, file).toContain(line);
    }
  },
);

test.skipIf(hasNoFirmware)(`every real app and bootloader is put together again byte for byte${FIRMWARE}`, () => {
  for (const [file, offset] of REAL) {
    const bytes = firmware(file).subarray(offset);
    const { header, segments, imageSize } = parseAppImage(bytes);
    const contents = segments.map(({ loadAddress, dataOffset, dataSize }) => {
      return { loadAddress, data: bytes.subarray(dataOffset, dataOffset + dataSize) };
    });
    const built = encodeAppImage({ header, segments: contents, hashAppended: header.hashAppended });
    expect(equalBytes(built, bytes.subarray(0, imageSize)), file).toBe(true);
  }
});

test.skipIf(hasNoFirmware)(`real tables and boot_app0.bin are built again byte for byte${FIRMWARE}`, () => {
  for (const file of ["partitions_c3_4m.bin", "partitions_s2_4m.bin", "partitions_s3_8m.bin"]) {
    const bytes = firmware(`boot/${file}`);
    expect(buildPartitionTable(parsePartitionTable(bytes)), file).toEqual(bytes);
  }
  const otadata = firmware("boot/boot_app0.bin");
  const built = new Uint8Array(8192).fill(0xff); // two sectors, erased but for their entries
  for (const [index, entry] of parseOtadata(otadata).entries.entries())
    built.set(buildOtadataEntry(entry), index * 4096);
  expect(built).toEqual(otadata);
});

test.skipIf(hasNoJudges)(`image-info reads every image that we build as we do, for every chip${JUDGES}`, async () => {
  const variants: readonly AppImageSpec[] = [
    { version: "9.8.7", projectName: "judged", secureVersion: 3, minEfuseBlockRevision: 2, maxEfuseBlockRevision: 199 },
    { sizeBytes: 20_000, seed: 7, hashAppended: false, maxChipRevisionFull: 399 },
    { sizeBytes: 300_000, seed: 8, spiSize: 4, minChipRevisionFull: 101 }, // with mapped code and padding
  ];
  const specs = CHIPS.flatMap(({ name }) => variants.map((variant) => ({ ...variant, chip: name })));
  const images = specs.map(buildAppImage);
  const verdicts = await imageInfo(images);
  for (const [index, { chip }] of specs.entries()) {
    const { output } = verdicts[index]!;
    expect(passes(verdicts[index]!), `${chip} ${index % 3}\n${output}`).toBe(true);
    for (const line of linesOf(parseAppImage(images[index]!))) expect(output, chip).toContain(line);
  }
});

test.skipIf(hasNoJudges)(`image-info refuses the images that we refuse, and no others but one${JUDGES}`, async () => {
  const hashed = buildAppImage({ sizeBytes: 2048, seed: 3 });
  const plain = buildAppImage({ sizeBytes: 2048, seed: 3, hashAppended: false });
  const cases: { name: string; bytes: Uint8Array }[] = [];
  for (const [name, image] of Object.entries({ hashed, plain })) {
    const { segments, imageSize } = parseAppImage(image);
    const second = segments[1]!.dataOffset;
    // Header, descriptor, data, the second segment's size, what is behind its data, checksum and hash.
    const offsets = [0, 1, 2, 13, 40, 300, 700, second - 4, second + 9, imageSize - 33, imageSize - 1];
    for (const offset of offsets) {
      for (const bit of [0, 5, 7]) {
        const bytes = image.slice();
        bytes[offset] = (bytes[offset] ?? 0) ^ (1 << bit);
        cases.push({ name: `${name}, byte ${offset} bit ${bit}`, bytes });
      }
    }
    for (const end of [0, 1, 23, 24, 31, 100, second - 3, second + 5, imageSize - 33, imageSize - 1]) {
      cases.push({ name: `${name}, cut at ${end}`, bytes: image.subarray(0, end) });
    }
    cases.push({ name: `${name}, whole`, bytes: image });
    cases.push({ name: `${name}, with more behind it`, bytes: Uint8Array.from([...image, 1, 2, 3]) });
  }
  const verdicts = await imageInfo(cases.map(({ bytes }) => bytes));
  const disagree = cases.filter(({ bytes }, index) => passes(verdicts[index]!) !== isAccepted(bytes));
  // A segment that is no whole number of words: esptool reads it, ESP-IDF's bootloader refuses it, and so do we.
  expect(disagree.map(({ name }) => name)).toEqual([
    `plain, byte ${parseAppImage(plain).segments[1]!.dataOffset - 4} bit 0`,
  ]);
  expect(cases.filter(({ bytes }) => isAccepted(bytes)).length).toBeGreaterThan(4);
});
