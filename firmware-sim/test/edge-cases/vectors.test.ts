// The golden vectors of the reference, byte for byte.

import { fromHex, sha256, toHex } from "@tinybms/ota-core";
import {
  buildAppDescriptor,
  buildOtadataEntry,
  buildPartitionTable,
  encodeAppImage,
  OtaImageState,
  otadataCrc,
  otadataEntry,
  parseOtadataEntry,
  parsePartitionTable,
} from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { board, bootOf, entry } from "../board-spec.ts";

const { NEW, VALID, UNDEFINED } = OtaImageState;

test("vector 1: otadata entries {1, UNDEFINED}, {2, NEW} and {1, VALID}", () => {
  const label = "ff".repeat(20);
  for (const [sequence, state, hex] of [
    [1, UNDEFINED, `01000000${label}ffffffff9a984347`],
    [2, NEW, `02000000${label}000000007437f655`],
    [1, VALID, `01000000${label}020000009a984347`],
  ] as const) {
    expect(toHex(buildOtadataEntry(otadataEntry(sequence, state)))).toBe(hex);
    expect(parseOtadataEntry(fromHex(hex)!)).toMatchObject({ sequence, state, crc: otadataCrc(sequence) });
  }
});

test("vector 2: the minimal ESP32 app of 336 bytes: checksum 0x22 at offset 303, SHA-256 c7b14a79…", () => {
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
  const image = encodeAppImage({
    header: {
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
    },
    segments: [{ loadAddress: 0x3f40_0020, data: descriptor }],
    hashAppended: true,
  });
  expect(image.length).toBe(336);
  // Magic, one segment, DIO, 4 MB; entry 0x40080400; chip 0, revisions 0 to 3.99; hash appended. Then the segment.
  expect(toHex(image.subarray(0, 32))).toBe(
    "e901022000040840ee0000000000000000" + "8f010000000001" + "2000403f00010000",
  );
  expect(image[303]).toBe(0x22);
  expect(toHex(image.subarray(304))).toBe("c7b14a798cb8c3f02b717b496e8aedcd15a059bda1c073df1897c94802a9e372");
  expect(toHex(sha256(image.subarray(0, 304)))).toBe(toHex(image.subarray(304)));

  const hardware = board({ otadata: [entry(2, VALID), undefined], empty: [0, 1] });
  hardware.flash.load(0x20000, image);
  expect(bootOf(hardware)).toBe(1);
});

test("vector 3: the first entry `nvs` of the two_ota partition table", () => {
  const hex = `aa50010200900000004000006e7673${"00".repeat(13)}00000000`;
  const nvs = { type: 1, subtype: 2, offset: 0x9000, size: 0x4000, label: "nvs", flags: 0 };
  expect(toHex(buildPartitionTable({ entries: [nvs] }).subarray(0, 32))).toBe(hex);
  const table = new Uint8Array(0xc00).fill(0xff);
  table.set(fromHex(hex)!);
  expect(parsePartitionTable(table).entries).toEqual([nvs]);
});
