import { createHardware, runBootloader } from "@tinybms/firmware-sim";
import type { OtaErrorCode } from "@tinybms/ota-core";
import {
  buildAppImage,
  buildOtadataEntry,
  OTADATA_SECTOR_SIZE,
  OtaImageState,
  otadataEntry,
  PARTITION_TABLE_OFFSET,
  parseAppImage,
  parsePartitionCsv,
  verifyAppImage,
  withFlashSettings,
} from "@tinybms/ota-core/esp";
import fc from "fast-check";
import { expect, test } from "vitest";
import { buildBootloader, tableOf } from "../../ota-core/test/build-flash-dump.ts";
import { type Board, planAppFlash, planWholeFlash } from "../src/index.ts";
import { bootingSlot, readBoardLayout } from "../src/plan/board-layout.ts";
import { appImage } from "./benches.ts";

const CSV = `nvs,data,nvs,0x9000,0x5000
otadata,data,ota,0xe000,0x2000
factory,app,factory,0x10000,0x20000
ota_0,app,ota_0,0x30000,0x20000
ota_1,app,ota_1,0x50000,0x20000
ota_2,app,ota_2,0x70000,0x20000
`;
const OTADATA = 0xe000;
const SLOTS = { factory: 0x10000, ota_0: 0x30000, ota_1: 0x50000, ota_2: 0x70000 } as const;

const OLD = appImage("esp32", "1.0.0", 20_000);
const NEW = appImage("esp32", "2.0.0", 20_000);

const BOARD: Board = {
  chip: createHardware({ chip: "esp32" }).chip,
  ...{ chipName: "ESP32", revision: 301, mac: "24:0a:c4:00:00:01", flashSize: 0x40_0000 },
  ...{ secureBoot: false, flashEncryption: false },
};

/** A board with old apps in some slots, and any otadata. */
function boardOf(csv: string, offsets: readonly number[], otadata: Uint8Array) {
  const hardware = createHardware({ chip: "esp32", partitionTable: parsePartitionCsv(csv) });
  for (const offset of offsets) hardware.flash.load(offset, OLD.bytes);
  hardware.flash.load(OTADATA, otadata);
  return hardware;
}

const layoutOf = (hardware: ReturnType<typeof boardOf>) =>
  readBoardLayout("port", async (offset, size) => hardware.flash.truth(offset, size));

/** Two sectors of otadata. */
function otadataOf(first: readonly [number, number] | undefined, second: readonly [number, number] | undefined) {
  const bytes = new Uint8Array(2 * OTADATA_SECTOR_SIZE).fill(0xff);
  for (const [index, entry] of [first, second].entries()) {
    if (entry !== undefined) bytes.set(buildOtadataEntry(otadataEntry(...entry)), index * OTADATA_SECTOR_SIZE);
  }
  return bytes;
}

const entry = fc.option(
  fc.tuple(
    fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(0xffff_fffe, 0xffff_fffd, 0xffff_fff0)),
    fc.constantFrom(...Object.values(OtaImageState)),
  ),
  { nil: undefined },
);

test("the bootloader starts the flashed slot, whatever otadata contains", async () => {
  const slots = fc.constantFrom("next", "running", "factory", "ota_0", "ota_1", "ota_2");
  await fc.assert(
    fc.asyncProperty(entry, entry, slots, async (first, second, slot) => {
      const hardware = boardOf(CSV, Object.values(SLOTS), otadataOf(first, second));
      const layout = await layoutOf(hardware);
      const plan = planAppFlash("port", BOARD, layout, NEW, { slot, select: true, force: false });
      for (const { offset, bytes } of plan.steps.flat()) hardware.flash.load(offset, bytes);
      const outcome = runBootloader(hardware);
      expect(outcome).toMatchObject({ kind: "boots", image: { descriptor: { version: "2.0.0" } } });
      // And the start after that one, when a trial would be over.
      expect(runBootloader(hardware)).toMatchObject({ kind: "boots", image: { descriptor: { version: "2.0.0" } } });
    }),
    { numRuns: 300 },
  );
});

test("takes the slot that the bootloader starts for the running one", async () => {
  const present = fc.subarray(Object.entries(SLOTS), { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(entry, entry, present, async (first, second, slots) => {
      // States on trial change at a start: what starts then is for the bootloader alone to say.
      const settled = [first, second].map((it) =>
        it === undefined ? it : ([it[0], OtaImageState.UNDEFINED] as const),
      );
      const offsets = slots.map(([, offset]) => offset);
      const hardware = boardOf(CSV, offsets, otadataOf(settled[0], settled[1]));
      const found = bootingSlot(await layoutOf(hardware));
      const outcome = runBootloader(hardware);
      expect(outcome).toMatchObject({ kind: "boots", partition: { offset: found?.partition.offset } });
    }),
    { numRuns: 300 },
  );
});

test("chooses the slot after the running one, in a circle", async () => {
  const options = { slot: "next", select: true, force: false } as const;
  for (const [sequence, next] of [
    [1, "ota_1"],
    [2, "ota_2"],
    [3, "ota_0"],
    [4, "ota_1"],
  ] as const) {
    const hardware = boardOf(CSV, Object.values(SLOTS), otadataOf([sequence, OtaImageState.VALID], undefined));
    const plan = planAppFlash("port", BOARD, await layoutOf(hardware), NEW, options);
    expect(plan).toMatchObject({ slot: next, isRisky: false, warnings: [] });
  }
});

test("--no-select keeps the app that boots, and waits for no version", async () => {
  const hardware = boardOf(CSV, Object.values(SLOTS), otadataOf([1, OtaImageState.VALID], undefined));
  const options = { slot: "ota_2", select: false, force: false } as const;
  const plan = planAppFlash("port", BOARD, await layoutOf(hardware), NEW, options);
  expect(plan.steps).toHaveLength(1);
  expect(plan.app).toBeUndefined();
});

test("erases stale otadata that would hide what --all writes, and says so", () => {
  const hardware = createHardware({ chip: "esp32", partitionTable: parsePartitionCsv(CSV) });
  const table = {
    name: "table.bin",
    offset: PARTITION_TABLE_OFFSET,
    bytes: hardware.flash.truth(PARTITION_TABLE_OFFSET, 0xc00),
  };
  const app = { name: NEW.name, offset: SLOTS.factory, bytes: NEW.bytes };
  const plan = planWholeFlash("port", BOARD, [table, app], { keepOtadata: false });
  expect(plan.steps.flat().map(({ name }) => name)).toEqual(["table.bin", NEW.name, "otadata"]);
  expect(plan.warnings[0]).toContain("may not start until it is flashed again");
  expect(plan.warnings[1]).toContain("otadata is erased too");
  expect(plan.app).toMatchObject({ version: "2.0.0" });
  const kept = planWholeFlash("port", BOARD, [table, app], { keepOtadata: true });
  expect(kept.steps.flat().map(({ name }) => name)).toEqual(["table.bin", NEW.name]);
});

/** The code and the sentences of what a plan refuses. */
async function refusal(plan: () => unknown): Promise<{ code: OtaErrorCode; message: string; hint: string }> {
  try {
    await plan();
  } catch (error) {
    return error as { code: OtaErrorCode; message: string; hint: string };
  }
  throw new Error("nothing is refused");
}

const APP_OPTIONS = { slot: "next", select: true, force: false } as const;
const HARDWARE = boardOf(CSV, Object.values(SLOTS), otadataOf([1, OtaImageState.VALID], undefined));

test("an image for another chip names both chips", async () => {
  const layout = await layoutOf(HARDWARE);
  const { code, message, hint } = await refusal(() =>
    planAppFlash("port", BOARD, layout, appImage("esp32c3", "2.0.0"), APP_OPTIONS),
  );
  expect(code).toBe("serial/wrong-chip");
  expect(message).toBe("gateway-2.0.0.bin is built for esp32c3; the board on port has an ESP32");
  expect(hint).toContain("idf.py set-target esp32");
});

test("an image for a newer chip names both revisions", async () => {
  const layout = await layoutOf(HARDWARE);
  const bytes = NEW.bytes.slice();
  new DataView(bytes.buffer).setUint16(15, 399, true);
  const newer = { ...NEW, bytes, image: { ...NEW.image, header: { ...NEW.image.header, minChipRevisionFull: 399 } } };
  const { code, message } = await refusal(() => planAppFlash("port", BOARD, layout, newer, APP_OPTIONS));
  expect(code).toBe("serial/chip-revision");
  expect(message).toBe("gateway-2.0.0.bin needs chip revision at least v3.99; the board on port has v3.1");
});

test("an old image for an ESP32-C3 states the minor revision, one for another chip the major", async () => {
  const layout = await layoutOf(HARDWARE);
  const plan = (chip: "esp32" | "esp32c3", revision: number) => {
    const app = appImage(chip, "2.0.0", 20_000);
    const header = { ...app.image.header, minChipRevision: 3, minChipRevisionFull: 0, maxChipRevisionFull: 0 };
    const board = { ...BOARD, chip: createHardware({ chip }).chip, revision };
    return planAppFlash("port", board, layout, { ...app, image: { ...app.image, header } }, APP_OPTIONS);
  };
  expect(plan("esp32c3", 3).slot).toBe("ota_1");
  expect((await refusal(() => plan("esp32c3", 2))).message).toContain("at least v0.3");
  expect((await refusal(() => plan("esp32", 3))).message).toContain("at least v3.0");
});

test("refuses an image for a newer eFuse block like one for a newer chip", async () => {
  const board = { ...BOARD, chip: createHardware({ chip: "esp32s3" }).chip, chipName: "ESP32-S3", blockRevision: 102 };
  const layout = await layoutOf(HARDWARE);
  const app = (limits: object) => {
    const bytes = buildAppImage({ chip: "esp32s3", version: "2.0.0", projectName: "gateway", ...limits });
    return { name: "app.bin", bytes, image: parseAppImage(bytes) };
  };
  const plan = (limits: object) => planAppFlash("port", board, layout, app(limits), APP_OPTIONS);
  const old = await refusal(() => plan({ minEfuseBlockRevision: 103 }));
  expect(old.code).toBe("serial/chip-revision");
  expect(old.message).toBe("app.bin needs eFuse block revision at least v1.3; the board on port has v1.2");
  const young = await refusal(() => plan({ maxEfuseBlockRevision: 101 }));
  expect(young.message).toBe("app.bin needs eFuse block revision at most v1.1; the board on port has v1.2");
  expect(young.hint).toBe("build it with an ESP-IDF release that supports eFuse block revision v1.2");
  expect(plan({ minEfuseBlockRevision: 102, maxEfuseBlockRevision: 0 }).slot).toBe("ota_1");
});

test("an encrypted board is refused, a board with secure boot takes no unsigned image", async () => {
  const layout = await layoutOf(HARDWARE);
  const encrypted = await refusal(() =>
    planAppFlash("port", { ...BOARD, flashEncryption: true }, layout, NEW, APP_OPTIONS),
  );
  expect(encrypted.code).toBe("serial/flash-encrypted");
  expect(encrypted.hint).toContain("over the air");
  const unsigned = await refusal(() => planAppFlash("port", { ...BOARD, secureBoot: true }, layout, NEW, APP_OPTIONS));
  expect(unsigned.code).toBe("serial/secure-boot");
  expect(unsigned.hint).toContain("sign it");
});

test("refuses another project's app without --force", async () => {
  const layout = await layoutOf(HARDWARE);
  const other = appImage("esp32", "2.0.0", 20_000, "thermostat");
  const { code, message, hint } = await refusal(() => planAppFlash("port", BOARD, layout, other, APP_OPTIONS));
  expect(code).toBe("serial/wrong-product");
  expect(message).toBe('thermostat-2.0.0.bin is "thermostat"; the board on port runs "gateway"');
  expect(hint).toContain("--force");
  expect(planAppFlash("port", BOARD, layout, other, { ...APP_OPTIONS, force: true }).slot).toBe("ota_1");
});

test("an app larger than its slot, and a table larger than the flash, don't fit", async () => {
  const layout = await layoutOf(HARDWARE);
  const large = await refusal(() =>
    planAppFlash("port", BOARD, layout, appImage("esp32", "2.0.0", 200_000), APP_OPTIONS),
  );
  expect(large.code).toBe("serial/does-not-fit");
  expect(large.message).toContain("partition ota_1 of the board on port holds 131072");
  const small = await refusal(() => planAppFlash("port", { ...BOARD, flashSize: 0x6_0000 }, layout, NEW, APP_OPTIONS));
  expect(small.message).toContain("behind its flash of 393216 bytes");
});

test("says to flash everything to a board without a partition table", async () => {
  const { code, hint } = await refusal(() =>
    readBoardLayout("port", async (_, size) => new Uint8Array(size).fill(0xff)),
  );
  expect(code).toBe("serial/no-partition-table");
  expect(hint).toContain("flash --all build/flasher_args.json");
});

test("names the existing slots if a given one is missing", async () => {
  const single = boardOf(
    "nvs,data,nvs,0x9000,0x5000\nfactory,app,factory,0x10000,0x20000\n",
    [0x10000],
    otadataOf(undefined, undefined),
  );
  const layout = await layoutOf(single);
  const next = await refusal(() => planAppFlash("port", BOARD, layout, NEW, APP_OPTIONS));
  expect(next.code).toBe("serial/no-partition");
  expect(next.message).toContain("it has no OTA slots");
  expect(next.hint).toBe("--slot factory overwrites the running app");
  const named = await refusal(() => planAppFlash("port", BOARD, layout, NEW, { ...APP_OPTIONS, slot: "ota_3" }));
  expect(named.hint).toBe("it has factory");
  const over = planAppFlash("port", BOARD, layout, NEW, { ...APP_OPTIONS, slot: "factory" });
  expect(over.isRisky).toBe(true);
  expect(over.warnings[0]).toContain("factory is the running slot of the board on port");
});

test("refuses overlapping parts, a bootloader at another chip's offset, and a torn image before any write", async () => {
  const app = { name: "app.bin", offset: 0x1_0000, bytes: NEW.bytes };
  const overlap = await refusal(() =>
    planWholeFlash("port", BOARD, [app, { name: "data.bin", offset: 0x1_4000, bytes: new Uint8Array(16) }], {
      keepOtadata: false,
    }),
  );
  expect(overlap.code).toBe("serial/parts-overlap");
  expect(overlap.message).toContain("app.bin reaches to 0x15000 with its last sector, over data.bin at 0x14000");
  const torn = { ...app, bytes: NEW.bytes.subarray(0, 10_000) };
  const short = await refusal(() => planWholeFlash("port", BOARD, [torn], { keepOtadata: false }));
  expect(short.code).toBe("image/truncated");
  const changed = { ...app, bytes: NEW.bytes.with(1000, (NEW.bytes[1000] ?? 0) ^ 1) };
  const wrong = await refusal(() => planWholeFlash("port", BOARD, [changed], { keepOtadata: false }));
  expect(wrong.code).toBe("image/checksum-mismatch");
  expect(wrong.message).toContain("app.bin: ");
});

test("refuses a partition table for a larger flash before any write", async () => {
  const bytes = HARDWARE.flash.truth(PARTITION_TABLE_OFFSET, 0xc00);
  const table = { name: "table.bin", offset: PARTITION_TABLE_OFFSET, bytes };
  const small = { ...BOARD, flashSize: 0x6_0000 };
  const { code, message, hint } = await refusal(() => planWholeFlash("port", small, [table], { keepOtadata: false }));
  expect(code).toBe("serial/does-not-fit");
  expect(message).toBe("partition ota_1 of the board on port ends at 0x70000, behind its flash of 393216 bytes");
  expect(hint).toContain("made for a larger flash");
});

test("NVS must have its partition's size", async () => {
  const layout = await layoutOf(HARDWARE);
  const nvs = new Uint8Array(0x5000).fill(0xff);
  const plan = planAppFlash("port", BOARD, layout, NEW, { ...APP_OPTIONS, nvs });
  expect(plan.steps[0]?.map(({ name, offset }) => [name, offset])).toEqual([
    [NEW.name, SLOTS.ota_1],
    ["nvs", 0x9000],
  ]);
  const wrong = await refusal(() =>
    planAppFlash("port", BOARD, layout, NEW, { ...APP_OPTIONS, nvs: nvs.subarray(0, 0x3000) }),
  );
  expect(wrong.code).toBe("serial/does-not-fit");
});

const TABLE = {
  name: "table.bin",
  offset: PARTITION_TABLE_OFFSET,
  bytes: HARDWARE.flash.truth(PARTITION_TABLE_OFFSET, 0xc00),
};
const FACTORY = { name: "app.bin", offset: SLOTS.factory, bytes: NEW.bytes };
const bootloaderPart = (bytes = buildBootloader("esp32")) => ({ name: "bootloader.bin", offset: 0x1000, bytes });
const FLASH_OPTIONS = { keepOtadata: false } as const;
const headerOf = ({ steps }: ReturnType<typeof planWholeFlash>) =>
  steps.flat().find(({ offset }) => offset === 0x1000)?.bytes;

test("flash settings change the bootloader's header and hash, and nothing else", () => {
  const settings = { mode: "qio", size: "detect", frequency: "80m" };
  const parts = [bootloaderPart(), TABLE, FACTORY];
  const plan = planWholeFlash("port", { ...BOARD, flashSize: 0x80_0000 }, parts, { ...FLASH_OPTIONS, settings });
  const bytes = headerOf(plan);
  expect(bytes?.subarray(2, 4)).toEqual(Uint8Array.of(0, 0x3f)); // QIO; 8 MB, 80 MHz
  verifyAppImage(parseAppImage(bytes ?? new Uint8Array()));
  const original = parts[0]?.bytes ?? new Uint8Array();
  expect(bytes?.subarray(4, -32)).toEqual(original.subarray(4, -32));
  expect(plan.steps.flat().slice(1, 3)).toEqual(parts.slice(1));
});

test("settings that keep everything keep every byte", () => {
  for (const settings of [{}, { mode: "keep", size: "keep", frequency: "keep" }, { mode: "dio", size: "4MB" }]) {
    const part = bootloaderPart();
    const plan = planWholeFlash("port", BOARD, [part, TABLE, FACTORY], { ...FLASH_OPTIONS, settings });
    expect(headerOf(plan)).toBe(part.bytes);
  }
});

test("keeps the header of a signed bootloader, and of any on a board with secure boot, and says so", () => {
  const image = buildBootloader("esp32");
  const signed = new Uint8Array(0x2000).fill(0xff);
  signed.set(image);
  signed.set([0xe7, 2, 0, 0], 0x1000);
  const app = new Uint8Array(0x6000).fill(0xff);
  app.set(NEW.bytes);
  const options = { ...FLASH_OPTIONS, settings: { mode: "qio" }, force: true };
  const plan = planWholeFlash("port", BOARD, [bootloaderPart(signed), TABLE, FACTORY], options);
  expect(headerOf(plan)).toBe(signed);
  expect(plan.warnings).toContain(
    "bootloader.bin keeps the flash mode, size and frequency of its header: it is signed",
  );
  const secure = { ...BOARD, secureBoot: true };
  const parts = [bootloaderPart(signed), { ...FACTORY, bytes: app }];
  expect(planWholeFlash("port", secure, parts, options).warnings).toContain(
    "bootloader.bin keeps the flash mode, size and frequency of its header: the board has secure boot on",
  );
});

test("names the frequencies of the chip if a given one is missing", async () => {
  const settings = { frequency: "48m" };
  const { code, message } = await refusal(() =>
    planWholeFlash("port", BOARD, [bootloaderPart(), TABLE, FACTORY], { ...FLASH_OPTIONS, settings }),
  );
  expect(code).toBe("arguments/invalid");
  expect(message).toBe('an ESP32 has no flash frequency "48m"; it has 80m, 40m, 26m, 20m');
});

test.for([
  ["a bootloader where the ROM does not look", [{ ...bootloaderPart(), offset: 0 }, TABLE, FACTORY], undefined],
  ["an app in the bootloader's place", [{ ...FACTORY, offset: 0x1000 }], "no bootloader was found at 0x1000"],
  [
    "a table with a wrong MD5",
    [bootloaderPart(), { ...TABLE, bytes: TABLE.bytes.with(14, 0x41) }, FACTORY],
    "the MD5 of the partition table is wrong",
  ],
  [
    "a bootloader that states a larger flash than there is",
    [bootloaderPart(withFlashSettings(buildBootloader("esp32"), { size: 3 })), TABLE, FACTORY],
    "the bootloader states a flash of 8 MiB, but the board has 4 MiB",
  ],
  [
    "a bootloader that states a smaller flash than the table needs",
    [
      bootloaderPart(withFlashSettings(buildBootloader("esp32"), { size: 0 })),
      { ...TABLE, bytes: tableOf("a,app,factory,,2M\n") },
    ],
    "past the flash of 1 MiB",
  ],
  [
    "otadata that selects what is no app",
    [
      bootloaderPart(),
      TABLE,
      FACTORY,
      { name: "otadata", offset: OTADATA, bytes: otadataOf([1, OtaImageState.VALID], undefined) },
      { name: "data.bin", offset: SLOTS.ota_0, bytes: new Uint8Array(0x1000).fill(0x55) },
    ],
    "the bootloader would start ota_0",
  ],
] as const)("refuses %s before the first byte is written, unless forced", async ([, parts, text]) => {
  const plan = (force: boolean) => planWholeFlash("port", BOARD, parts, { ...FLASH_OPTIONS, force });
  if (text === undefined) {
    // Nothing is written where the ROM looks, so what is there counts.
    expect(plan(false).warnings.join()).not.toContain("bootloader");
    return;
  }
  const { code, message, hint } = await refusal(() => plan(false));
  expect(code).toBe("serial/would-not-start");
  expect(message).toContain(text);
  expect(hint).toContain("--force");
  expect(plan(true).warnings.join("\n")).toContain(text);
});

test("pieces of a flash are judged by themselves: what the board holds beside them is not known", () => {
  for (const parts of [[FACTORY], [TABLE], [bootloaderPart()], [TABLE, FACTORY], [bootloaderPart(), TABLE]]) {
    expect(planWholeFlash("port", BOARD, parts, FLASH_OPTIONS).steps.flat().length).toBeGreaterThanOrEqual(
      parts.length,
    );
  }
});

test("refuses a part beyond the flash, and a build for another chip, before any write", async () => {
  const behind = { name: "data.bin", offset: 0x3f_f000, bytes: new Uint8Array(0x1001) };
  expect((await refusal(() => planWholeFlash("port", BOARD, [behind], FLASH_OPTIONS))).code).toBe(
    "serial/does-not-fit",
  );
  const options = { ...FLASH_OPTIONS, chip: "esp32s3" };
  const { code, message } = await refusal(() => planWholeFlash("port", BOARD, [TABLE], options));
  expect(code).toBe("serial/wrong-chip");
  expect(message).toBe("the build is for esp32s3; the board on port has an ESP32");
  expect(planWholeFlash("port", BOARD, [TABLE], { ...FLASH_OPTIONS, chip: "esp32" }).steps).toHaveLength(1);
});
