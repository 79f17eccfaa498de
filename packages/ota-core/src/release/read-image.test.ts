import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { concatBytes } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import { encodeAppImage } from "../image/app-image.ts";
import { parseAppImageHeader } from "../image/app-image-header.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { CHIPS, chipByName } from "../image/chips.ts";
import { foreignFile } from "../image/foreign-image.ts";
import { familyAdvice, readBinary } from "./read-image.ts";

const FIRMWARE = new URL(process.env.TINYBMS_FIRMWARE ?? "../../../../../shared/firmware/", import.meta.url);
const FIRMWARE_IS_HERE = existsSync(FIRMWARE);

let folder = "";
let file = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-image-"));
  file = join(folder, "gateway.bin");
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function messageOf(bytes: Uint8Array): Promise<string> {
  writeFileSync(file, bytes);
  const error: unknown = await readBinary(file).catch((reason: unknown) => reason);
  return isOtaError(error) ? `${error.code}: ${error.message}` : String(error);
}

/** As esptool's `ESP8266ROMFirmwareImage` writes it: magic, count, mode, size, entry, then the first segment's header. */
function esp8266Image(load: number): Uint8Array {
  const bytes = new Uint8Array(4096);
  const view = new DataView(bytes.buffer);
  bytes.set([0xe9, 1, 0x02, 0x40]);
  view.setUint32(4, 0x4010_0004, true); // entry, in instruction RAM
  view.setUint32(8, load, true);
  view.setUint32(12, 2048, true); // size of the segment: here ours have a chip id
  return bytes;
}

/** A bootloader for a chip: all of it in data RAM, no descriptor of either kind. */
function bootloader(name: string): Uint8Array {
  const chip = chipByName(name)!;
  const header = parseAppImageHeader(buildAppImage({ chip: chip.name, version: "1", sizeBytes: 8192 }));
  const segments = [{ loadAddress: chip.dram.start, data: new Uint8Array(4096).fill(7) }];
  return encodeAppImage({ header, segments, hashAppended: true });
}

test.for([[0x4010_0000], [0x3ffe_8000], [0x4020_1010]] as const)(
  "an ESP8266 image whose first segment goes to %i is recognized",
  async ([load]) => {
    expect(await messageOf(esp8266Image(load))).toMatch(
      /^image\/invalid: .*gateway\.bin: this is an image for the ESP8266/,
    );
  },
);

test.for(CHIPS.map(({ name }) => name))("a bootloader for the %s is recognized", async (name) => {
  expect(await messageOf(bootloader(name))).toMatch(/^image\/invalid: .*gateway\.bin: this is a bootloader/);
});

test("an ELF file and a UF2 file are recognized", async () => {
  const padding = new Uint8Array(100);
  expect(await messageOf(concatBytes([new TextEncoder().encode("\x7fELF"), padding]))).toMatch(/this is an ELF file/);
  expect(await messageOf(concatBytes([new TextEncoder().encode("UF2\n"), padding]))).toMatch(/this is a UF2 file/);
});

test.skipIf(!FIRMWARE_IS_HERE)(
  "real bootloaders are recognized, and real apps are read (needs ../shared/firmware)",
  async () => {
    for (const name of ["bootloader_s3.bin", "bootloader_s2.bin"])
      expect(await messageOf(readFileSync(new URL(`boot/${name}`, FIRMWARE)))).toMatch(/this is a bootloader/);
    for (const name of ["partitions_s3_8m.bin", "boot_app0.bin"])
      expect(await messageOf(readFileSync(new URL(`boot/${name}`, FIRMWARE)))).toMatch(/^image\/bad-magic/);
    for (const [name, chip] of [
      ["ESP32", "esp32"],
      ["ESP32-C3", "esp32c3"],
      ["ESP32-S3_8MB", "esp32s3"],
    ] as const) {
      const app = new URL(`0.14.4/WLED_0.14.4_${name}.bin`, FIRMWARE);
      expect((await readBinary(app.pathname)).image.chip).toBe(chip);
    }
  },
);

test("app images of all chips are recognized as such", async () => {
  for (const { name } of CHIPS) {
    const image = buildAppImage({ chip: name, version: "1.0" });
    expect(foreignFile(image.subarray(0, 24))).toBeUndefined();
    writeFileSync(file, image);
    expect((await readBinary(file)).image.chip).toBe(name);
  }
});

test("any first bytes are classified without an exception", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (head) => void foreignFile(head)));
});

test.for([
  ["grows", () => appendFileSync(file, new Uint8Array(16))],
  ["is cut off", () => truncateSync(file, 500_000)],
  ["is written again", () => writeFileSync(file, buildAppImage({ version: "2.0", sizeBytes: 3_000_000 }))],
  ["is replaced", () => rmSync(file)],
] as const)("says that a binary changes if it %s while it is read", async ([, change]) => {
  writeFileSync(file, buildAppImage({ version: "1.0", sizeBytes: 3_000_000 }));
  // Between two pieces: the signal is asked before each.
  let asked = 0;
  const signal = Object.assign(new AbortController().signal, {
    throwIfAborted: () => {
      asked++;
      if (asked === 2) change();
    },
  });
  const error: unknown = await readBinary(file, { signal }).catch((reason: unknown) => reason);
  const codes = ["package/binary-changed", "package/binary-not-found"];
  expect(isOtaError(error) && codes.includes(error.code), String(error)).toBe(true);
});

test("esp32 means the whole family, another chip name that chip, and free text any chip", async () => {
  for (const { name } of CHIPS) {
    writeFileSync(file, buildAppImage({ chip: name, version: "1.0" }));
    const binary = await readBinary(file);
    for (const hardware of [undefined, "TinyBMS board, revision 2", name, "esp32"])
      expect(binary.faults(hardware)).toEqual([]);
    for (const hardware of [undefined, "TinyBMS board, revision 2", name])
      expect(familyAdvice(name, hardware)).toBeUndefined();
    if (name === "esp32") expect(familyAdvice(name, "esp32")).toBeUndefined();
    else expect(familyAdvice(name, "esp32")).toContain(`"hardware": "${name}"`);
    for (const other of CHIPS) {
      if (other.name === name || other.name === "esp32") continue;
      const message = `${file} is an image for ${name}; product.hardware of the manifest is ${other.name}`;
      expect(binary.faults(other.name)).toMatchObject([{ blocks: "every-way", error: { message } }]);
    }
  }
});
