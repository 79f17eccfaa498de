import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { buildBootloader, tableOf } from "../../test/build-flash-dump.ts";
import { concatBytes, utf8 } from "../bytes.ts";
import { encodeAppImage } from "../image/app-image.ts";
import { parseAppImage } from "../image/app-image-scanner.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { SINGLEAPP_PARTITION_CSV, TWO_OTA_PARTITION_CSV } from "../image/built-in-partition-tables.ts";
import { buildOtadataEntry, OtaImageState, otadataEntry } from "../image/otadata.ts";
import { buildSignatureBlock } from "../image/signature-block.ts";
import { buildNvsPageHeader } from "../nvs/nvs-page-header.ts";
import { inspectImage } from "./inspect-image.ts";

const APP = buildAppImage({
  chip: "esp32s3",
  version: "1.2.3",
  projectName: "gateway",
  sizeBytes: 200_000,
  secureVersion: 2,
});
const codesOf = (bytes: Uint8Array) => inspectImage(bytes).problems.map(({ code }) => code);

/** Bytes like a cipher's, the same in every run. */
function noise(outputLength: number): Uint8Array {
  return new Uint8Array(createHash("shake256", { outputLength }).update("noise").digest());
}

function changed(bytes: Uint8Array, offset: number, value?: number): Uint8Array {
  const copy = bytes.slice();
  copy[offset] = value ?? copy[offset]! ^ 0x10;
  return copy;
}

/** Otadata: an entry at the start of each sector. */
function otadata(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8192).fill(0xff);
  bytes.set(first);
  bytes.set(second, 4096);
  return bytes;
}

const entry = (sequence: number, state: number) => buildOtadataEntry(otadataEntry(sequence, state));
const BLANK_ENTRY = new Uint8Array(32).fill(0xff);

/** An image with padding to the next sector and one signature block behind it. */
function signed(image: Uint8Array, imageDigest?: Uint8Array): Uint8Array {
  const padding = new Uint8Array((4096 - (image.length % 4096)) % 4096).fill(0xff);
  const bytes = concatBytes([image, padding]);
  const block = buildSignatureBlock({
    scheme: "rsa-3072",
    imageDigest: imageDigest ?? new Uint8Array(createHash("sha256").update(bytes).digest()),
    publicKey: new Uint8Array(776).fill(2),
    signature: new Uint8Array(384),
  });
  const sector = new Uint8Array(4096).fill(0xff);
  sector.set(block);
  return concatBytes([bytes, sector]);
}

test("describes an app image: chip, versions, segments, checksum and hash", () => {
  const inspection = inspectImage(APP);
  expect(inspection).toMatchObject({
    type: "app-image",
    valid: true,
    size: APP.length,
    problems: [],
    notes: [],
    chip: "esp32s3",
    chipId: 9,
    flashMode: "dio",
    flashSize: 4 * 1024 * 1024,
    imageSize: APP.length,
    trailing: "nothing",
    checksum: { offset: APP.length - 33, matches: true },
    hash: { offset: APP.length - 32, matches: true },
    descriptor: { version: "1.2.3", projectName: "gateway", secureVersion: 2 },
    signature: null,
    sha256: createHash("sha256").update(APP).digest("hex"),
  });
  if (inspection.type !== "app-image") return;
  expect(inspection.segments.map(({ memory }) => memory)).toEqual(["drom", "dram", "padding", "irom"]);
  expect(inspection.segments[0]).toEqual({
    loadAddress: 0x3c00_0020,
    offset: 32,
    size: expect.any(Number),
    memory: "drom",
  });
});

test("reports both sums of a damaged app image with their places", () => {
  const inspection = inspectImage(changed(APP, 1000));
  expect(inspection).toMatchObject({
    type: "app-image",
    valid: false,
    problems: [
      { code: "image/checksum-mismatch", offset: APP.length - 33, path: "/checksum" },
      { code: "image/hash-mismatch", offset: APP.length - 32, path: "/hash" },
    ],
  });
});

test("describes a torn app image as far as it is complete", () => {
  expect(inspectImage(APP.subarray(0, 100_000))).toMatchObject({
    type: "app-image",
    valid: false,
    problems: [{ code: "image/truncated" }],
    chip: "esp32s3",
    descriptor: { version: "1.2.3" },
    imageSize: null,
    checksum: null,
  });
  expect(inspectImage(APP.subarray(0, 10))).toMatchObject({
    type: "app-image",
    chip: null,
    problems: [{ code: "image/truncated" }],
  });
});

test.for([
  ["a chip that is none", changed(APP, 12, 0x63), "image/wrong-chip"],
  ["17 segments", changed(APP, 1, 17), "image/invalid"],
  ["no descriptor", changed(APP, 32), "image/invalid"],
  ["a mapped segment off its page", changed(APP, 24, 0x40), "image/invalid"],
] as const)("an app image with %s is not valid", ([, bytes, code]) => {
  expect(codesOf(bytes)).toContain(code);
});

/** An image of these load addresses, 64 KiB apart so that each is on its page. */
function imageOf(chipId: number, addresses: readonly number[]): Uint8Array {
  const [first = new Uint8Array()] = [APP.slice(32, 288)];
  const header = { ...parseAppImage(APP).header, chipId };
  const padding = (size: number) => ({ loadAddress: 0, data: new Uint8Array(size) });
  const segments = addresses.flatMap((loadAddress, index) => [
    ...(index === 0 ? [] : [padding(0x1_0000 - 256 - 16)]),
    { loadAddress, data: index === 0 ? first : new Uint8Array(256) },
  ]);
  return encodeAppImage({ header, segments, hashAppended: true });
}

test.for([
  [9, [0x3c00_0020, 0x3c01_0020], "segments 0, 2 are all mapped as DROM: the bootloader maps only the last of them"],
  [
    0,
    [0x3f40_0020, 0x400d_0020, 0x400e_0020],
    "segments 2, 4 are all mapped as IROM: the bootloader maps only the last of them",
  ],
  [
    13,
    [0x4200_0020, 0x4201_0020, 0x4202_0020],
    "segments 0, 2, 4 are all mapped from flash: the bootloader maps two and stops at the third",
  ],
] as const)(
  "notes that an image of chip %i has more mapped segments than the bootloader maps",
  ([chipId, addresses, message]) => {
    expect(inspectImage(imageOf(chipId, addresses))).toMatchObject({
      valid: true,
      notes: [{ message, path: "/segments" }],
    });
    expect(inspectImage(imageOf(chipId, addresses.slice(0, chipId === 9 ? 1 : 2)))).toMatchObject({
      valid: true,
      notes: [],
    });
  },
);

test("limits of the eFuse block revision that no chip meets are told, as those of the chip revision are", () => {
  const limits = { minEfuseBlockRevision: 200, maxEfuseBlockRevision: 199, version: "1", projectName: "x" };
  const message = "no chip can run it: it requires eFuse block revision 2.0 or later, and 1.99 or earlier";
  expect(inspectImage(buildAppImage({ ...limits, chip: "esp32s3" }))).toMatchObject({
    valid: false,
    problems: [{ code: "image/invalid", message, offset: 208, path: "/descriptor/minEfuseBlockRevision" }],
  });
  expect(inspectImage(buildAppImage({ ...limits, chip: "esp32" })).valid).toBe(true); // an ESP32 does not compare them
  expect(inspectImage(buildAppImage({ ...limits, chip: "esp32s3", maxEfuseBlockRevision: 0 })).valid).toBe(true);
});

test("reports what follows an app: deploy accepts only a signature there", () => {
  expect(inspectImage(concatBytes([APP, new Uint8Array(100)]))).toMatchObject({
    valid: true,
    trailing: "data",
    trailingSize: 100,
    notes: [{ message: "100 bytes that are not part of it follow the image; deploy accepts it only without them" }],
  });
});

test("reads a signature: its scheme, its key, and whether it covers this image", () => {
  const file = signed(APP);
  const keyDigest = createHash("sha256").update(new Uint8Array(776).fill(2)).digest("hex");
  expect(inspectImage(file)).toMatchObject({
    valid: true,
    trailing: "signature",
    signature: {
      offset: file.length - 4096,
      version: 2,
      blocks: [{ scheme: "rsa-3072", keyDigest, crcMatches: true, imageDigestMatches: true }],
    },
  });
  expect(inspectImage(signed(APP, new Uint8Array(32)))).toMatchObject({
    valid: false,
    problems: [{ code: "image/signature-invalid", offset: file.length - 4096, path: "/signature/blocks/0" }],
  });
  expect(codesOf(changed(file, file.length - 4096 + 900))).toEqual(["image/signature-invalid"]); // the CRC covers it
});

test("a signature alone is read without an image to compare with", () => {
  const file = signed(APP);
  for (const bytes of [file.subarray(-4096), file.subarray(-4096).subarray(0, 1216)]) {
    expect(inspectImage(bytes)).toMatchObject({
      type: "signature-block",
      valid: true,
      blocks: [{ offset: 0, scheme: "rsa-3072", crcMatches: true, imageDigestMatches: null }],
    });
  }
  expect(inspectImage(file.subarray(-4096).subarray(0, 500))).toMatchObject({
    type: "signature-block",
    problems: [{ code: "image/truncated" }],
  });
});

test("distinguishes a bootloader from an app, and reads its descriptor if it has one", () => {
  expect(inspectImage(buildBootloader("esp32c3"))).toMatchObject({
    type: "bootloader",
    valid: true,
    chip: "esp32c3",
    descriptor: null,
  });
  expect(inspectImage(buildBootloader("esp32c6", { idfVersion: "v5.4" }))).toMatchObject({
    type: "bootloader",
    descriptor: { idfVersion: "v5.4", version: 7, secureVersion: 3, dateTime: "Jan  1 2026 12:00:00" },
  });
});

test("recognizes a whole image regardless of its length, padding and signature", () => {
  const long = buildBootloader("esp32", { size: 0x9000 });
  const padded = concatBytes([long, new Uint8Array(0x1_0000 - long.length).fill(0xff)]);
  for (const bytes of [long, padded, signed(long)]) {
    expect(inspectImage(bytes)).toMatchObject({ type: "bootloader", valid: true, chip: "esp32" });
  }
  const flash = new Uint8Array(0x40_0000).fill(0xff);
  flash.set(buildBootloader("esp32c3"));
  expect(inspectImage(flash)).toMatchObject({ type: "flash", partitionTable: null });
});

/** UTF-16 with a byte-order mark, as PowerShell and Excel write it. */
function utf16(text: string, isLittleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(2 * text.length + 2);
  for (const [index, code] of [0xfeff, ...text]
    .map((char) => (typeof char === "number" ? char : char.charCodeAt(0)))
    .entries()) {
    new DataView(bytes.buffer).setUint16(2 * index, code, isLittleEndian);
  }
  return bytes;
}

test("recognizes a partition table in CSV if the parser accepts it, in UTF-8 and UTF-16", () => {
  for (const csv of [
    "factory, 0, 0, 0x10000, 1M",
    "storage, 0x40, 1, , 64K\n",
    "t,partition_table,primary,N/A,N/A\nnvs,data,nvs,,0x6000",
    `\uFEFF${TWO_OTA_PARTITION_CSV}`,
  ]) {
    const fields = { type: "partition-table", format: "csv", valid: true };
    expect(inspectImage(utf8(csv))).toMatchObject(fields);
    expect(inspectImage(utf16(csv.replace(/^\uFEFF/, ""), true))).toMatchObject(fields);
    expect(inspectImage(utf16(csv.replace(/^\uFEFF/, ""), false))).toMatchObject(fields);
  }
  expect(inspectImage(utf8("factory,0,0,0x10000,1M\nnvs,data,nvs,,oops"))).toMatchObject({
    problems: [{ message: "line 2: Invalid field value oops" }],
  });
  for (const other of ["# only\n# comments\n", "key,type,encoding,value\nx,namespace,,\ny,data,u8,1\n", "a,b,c,d\n"]) {
    expect(inspectImage(utf8(other))).toMatchObject({ type: "unknown", description: "a text file" });
  }
});

test("a partition table, binary or CSV, with two slots allows updates", () => {
  const fields = { type: "partition-table", valid: true, slotCount: 2, updatable: true, suggestion: null };
  expect(inspectImage(tableOf(TWO_OTA_PARTITION_CSV))).toMatchObject({ ...fields, format: "binary", md5: "valid" });
  expect(inspectImage(utf8(TWO_OTA_PARTITION_CSV))).toMatchObject({ ...fields, format: "csv", md5: null });
});

test("accepts a table with only factory, notes that OTA is not possible, and suggests a table", () => {
  const inspection = inspectImage(tableOf(SINGLEAPP_PARTITION_CSV), { flashSize: 8 * 1024 * 1024 });
  expect(inspection).toMatchObject({
    valid: true,
    updatable: false,
    slotCount: 0,
    flashSize: 8 * 1024 * 1024,
    notes: [{ code: "image/no-ota-slots", message: expect.stringContaining("OTA is not possible with this table") }],
  });
  if (inspection.type !== "partition-table" || inspection.suggestion === null) throw new Error("no suggestion");
  expect(inspectImage(utf8(inspection.suggestion.csv), { flashSize: 8 * 1024 * 1024 })).toMatchObject({
    valid: true,
    updatable: true,
  });
});

test.for([
  ["no otadata", "ota_0,app,ota_0,0x10000,1M\nota_1,app,ota_1,,1M\n", "no otadata partition"],
  ["one slot", "otadata,data,ota,0x9000,0x2000\nota_0,app,ota_0,0x10000,1M\n", "the only OTA slot"],
  [
    "a gap",
    "otadata,data,ota,0x9000,0x2000\na,app,ota_0,0x10000,1M\nb,app,ota_2,,1M\n",
    "ota_1 is missing before ota_2",
  ],
] as const)("says that a table with %s does not allow repeated updates", ([, csv, text]) => {
  expect(inspectImage(tableOf(csv))).toMatchObject({
    updatable: false,
    notes: [{ code: "image/no-ota-slots", message: expect.stringContaining(text) }],
    suggestion: { csv: expect.stringContaining("ota_1,app,ota_1") },
  });
});

test("reports the faults of a table: MD5, overlaps, flash too small, torn end, wrong CSV line", () => {
  const table = tableOf(TWO_OTA_PARTITION_CSV);
  expect(codesOf(changed(table, 40))).toContain("image/partition-table-invalid");
  expect(inspectImage(changed(table, 14))).toMatchObject({ md5: "mismatch", valid: false }); // a letter of a label
  expect(inspectImage(table, { flashSize: 2 * 1024 * 1024 })).toMatchObject({ valid: false });
  expect(inspectImage(table.subarray(0, 100))).toMatchObject({ type: "partition-table", valid: false });
  expect(inspectImage(utf8("nvs,data,nvs,0x9000,oops\n"))).toMatchObject({
    type: "partition-table",
    problems: [{ code: "image/partition-csv-invalid", message: "line 1: Invalid field value oops" }],
  });
});

test("describes otadata: states, CRCs, and the active entry", () => {
  expect(inspectImage(otadata(entry(1, OtaImageState.VALID), entry(2, OtaImageState.NEW)))).toMatchObject({
    type: "otadata",
    valid: true,
    active: 1,
    entries: [
      { offset: 0, sequence: 1, state: "valid", crcMatches: true, counts: true, slot: null },
      { offset: 4096, sequence: 2, state: "new", crcMatches: true, counts: true },
    ],
  });
});

test("notes a torn otadata entry if the other is valid; without a valid entry it is a problem", () => {
  const torn = changed(entry(2, OtaImageState.NEW), 28);
  expect(inspectImage(otadata(entry(1, OtaImageState.VALID), torn))).toMatchObject({
    valid: true,
    active: 0,
    notes: [{ code: "image/otadata-invalid", path: "/entries/1", offset: 4096 }],
  });
  expect(inspectImage(otadata(BLANK_ENTRY, torn))).toMatchObject({ valid: false, active: null });
  expect(inspectImage(otadata(entry(1, OtaImageState.ABORTED), BLANK_ENTRY))).toMatchObject({
    valid: true,
    active: null,
    notes: [{ message: "entry 0 is aborted: its slot was rejected" }],
  });
});

test("reports truncated otadata", () => {
  expect(inspectImage(otadata(entry(1, OtaImageState.VALID), BLANK_ENTRY).subarray(0, 5000))).toMatchObject({
    type: "otadata",
    problems: [{ code: "image/truncated", offset: 5000 }],
  });
});

test("reports an NVS partition that is not a multiple of a page", () => {
  const page = new Uint8Array(4096).fill(0xff);
  page.set(buildNvsPageHeader(0, 0xfe));
  const blank = new Uint8Array(8192).fill(0xff);
  expect(inspectImage(concatBytes([page, blank]))).toMatchObject({ type: "nvs", valid: true, version: 2, entries: [] });
  expect(inspectImage(concatBytes([page, blank, Uint8Array.of(1)]))).toMatchObject({
    type: "nvs",
    problems: [{ code: "image/truncated", offset: 12_288 }],
  });
});

/** `eboot`-like: 0xE9, one segment, mode, size | entry 0x4010F480 | load address 0x4010F000, size 0x1000. */
const ESP8266 = concatBytes([
  Uint8Array.of(0xe9, 1, 2, 0x40, 0x80, 0xf4, 0x10, 0x40, 0, 0xf0, 0x10, 0x40, 0, 0x10, 0, 0),
  noise(4096),
]);

test.for([
  ["no byte", new Uint8Array(0), "image/empty", "an empty file"],
  ["erased flash", new Uint8Array(70_000).fill(0xff), "image/empty", "erased flash"],
  ["zeros", new Uint8Array(4096), "image/empty", "a file of zeros"],
  ["an ESP8266 image", ESP8266, "image/wrong-chip", "an ESP8266 image"],
  ["an encrypted image", noise(65_536), "image/encrypted", "encrypted or compressed data"],
  [
    "an encrypted flash",
    concatBytes([new Uint8Array(4096).fill(0xff), noise(16_384), new Uint8Array(200_000).fill(0xff)]),
    "image/encrypted",
    "encrypted or compressed data",
  ],
  ["an ELF", concatBytes([Uint8Array.of(0x7f, 0x45, 0x4c, 0x46), noise(100)]), "image/unknown-format", "an ELF file"],
  ["gzip", concatBytes([Uint8Array.of(0x1f, 0x8b), noise(1000)]), "image/unknown-format", "gzip-compressed data"],
  ["an error page", utf8("<!DOCTYPE html><title>404</title>"), "image/unknown-format", "an HTML or XML text"],
  ["a manifest", utf8('{"schema_version": 1}'), "image/unknown-format", "a JSON text"],
  ["a key", utf8("-----BEGIN PRIVATE KEY-----\nAAAA\n"), "image/unknown-format", "a PEM text"],
  ["text", utf8("hello\n"), "image/unknown-format", "a text file"],
  ["something else", Uint8Array.of(1, 2, 3, 4), "image/unknown-format", "a file of unknown format"],
] as const)("identifies %s, and it is not valid", ([, bytes, code, description]) => {
  expect(inspectImage(bytes)).toMatchObject({ type: "unknown", valid: false, description, problems: [{ code }] });
});

const TYPES = ["app-image", "bootloader", "partition-table", "otadata", "nvs", "signature-block", "flash", "unknown"];

function expectTotal(bytes: Uint8Array): void {
  const inspection = inspectImage(bytes);
  expect(TYPES).toContain(inspection.type);
  expect(inspection.valid).toBe(inspection.problems.length === 0);
  expect(JSON.parse(JSON.stringify(inspection))).toEqual(inspection);
}

test("any bytes give a result that JSON can hold, never an exception", () => {
  const magics = [[0xe9], [0xaa, 0x50], [0xe7, 2], [0xe7, 3], [0xfe, 0xff, 0xff, 0xff], []];
  const any = fc
    .tuple(fc.constantFrom(...magics), fc.uint8Array({ maxLength: 5000, size: "max" }))
    .map(([magic, rest]) => concatBytes([Uint8Array.from(magic), rest]));
  fc.assert(fc.property(any, expectTotal), { numRuns: 200 });
});

test("files with a few bytes changed and an end cut off give a result, never an exception", () => {
  const files = [
    buildAppImage({ sizeBytes: 5000 }),
    signed(buildAppImage({ sizeBytes: 3000 })),
    buildBootloader("esp32", { idfVersion: "v5.4" }),
    tableOf(TWO_OTA_PARTITION_CSV),
    utf8(TWO_OTA_PARTITION_CSV),
    otadata(entry(1, 2), entry(2, 0)),
  ];
  const mutation = fc.tuple(
    fc.constantFrom(...files),
    fc.array(fc.tuple(fc.nat(0xffff), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
    fc.option(fc.nat(0xffff), { freq: 3 }),
  );
  fc.assert(
    fc.property(mutation, ([file, changes, cut]) => {
      const bytes = file.slice();
      // Headers are short, so that half of the changes go there.
      for (const [at, value] of changes) bytes[at % (value % 2 === 0 ? bytes.length : 64)] = value;
      expectTotal(cut === null ? bytes : bytes.subarray(0, cut % (bytes.length + 1)));
    }),
    { numRuns: 300 },
  );
});
