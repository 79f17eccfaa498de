import { APP_IMAGE_MAGIC, OtaImageState, PARTITION_TABLE_OFFSET, PartitionType } from "@tinybms/ota-core/esp";
import { describe, expect, test } from "vitest";
import { board, bootOf, entry, OTADATA_OFFSET, otadataOf, torn } from "../../test/board-spec.ts";
import { EspErr } from "../esp-err/esp-err.ts";
import { runBootloader } from "./bootloader.ts";

const { NEW, VALID, UNDEFINED } = OtaImageState;

test("reports a start as a log for people and as a trace for programs", () => {
  const outcome = runBootloader(board({ otadata: [entry(1, VALID), entry(2, NEW)], corrupt: [1] }));
  expect(outcome.log.slice(0, 4)).toEqual([
    "I boot: chip revision: v3.0",
    "I boot.esp32: SPI Flash Size : 1MB",
    "I boot: Enabling RNG early entropy source...",
    "I boot: Partition Table:",
  ]);
  expect(outcome.log.slice(-7)).toEqual([
    "I boot: End of partition table",
    "E esp_image: Image hash failed - image is corrupt",
    "E boot: OTA app partition slot 1 is not bootable",
    "I esp_image: segment 0: paddr=00010020 vaddr=3f400020 size=00104h (   260) map",
    expect.stringMatching(/^I esp_image: segment 1: paddr=0001012c vaddr=3ffae000 size=0000\dh \( {5}\d\) load$/),
    "I boot: Loaded app from partition at offset 0x10000",
    "I boot: Disabling RNG early entropy source...",
  ]);
  expect(outcome.trace.map(({ type }) => type)).toEqual([
    "started",
    "table-loaded",
    "otadata-read",
    "selected",
    "entry-rewritten",
    "slot-rejected",
    "slot-loaded",
  ]);
  expect(outcome.trace).toEqual(
    expect.arrayContaining([
      { type: "selected", slot: 1, reason: "active-entry", entry: 1 },
      { type: "entry-rewritten", sector: 1, reason: "first-start", sequence: 2, state: 1 },
      expect.objectContaining({ type: "slot-rejected", slot: 1, err: EspErr.ESP_ERR_IMAGE_INVALID }),
      expect.objectContaining({ type: "slot-loaded", slot: 0, fallback: true }),
    ]),
  );
});

test.for([
  { what: "to factory by default", spec: { factory: true }, line: "I boot: Defaulting to factory image" },
  { what: "to ota_0 by default", spec: {}, line: "I boot: No factory image, trying OTA 0" },
  { what: "the record of a first boot", spec: {}, line: "I boot: Set actual ota_seq=1 in otadata[0]" },
  {
    what: "an otadata that nothing can be made of",
    spec: { otadata: [torn(1, UNDEFINED), undefined] },
    line: "E boot: ota data partition invalid and no factory, will try all partitions",
  },
  {
    what: "the same with factory",
    spec: { factory: true, otadata: [torn(1, UNDEFINED), undefined] },
    line: "E boot: ota data partition invalid, falling back to factory",
  },
  {
    what: "a device with nothing to start",
    spec: { empty: [0, 1] },
    line: "E boot: No bootable app partitions in the partition table",
  },
  {
    what: "the last resort",
    spec: { test: true, empty: [0, 1] },
    line: "W boot: Falling back to test app as only bootable partition",
  },
] as const)("logs $what", ({ spec, line }) => {
  expect(runBootloader(board(spec)).log).toContain(line);
});

describe("the partition table", () => {
  const reject = (change: (bytes: Uint8Array) => void) => {
    const hardware = board({ factory: true });
    const bytes = hardware.flash.truth(PARTITION_TABLE_OFFSET, 0xc00);
    change(bytes);
    hardware.flash.load(PARTITION_TABLE_OFFSET, bytes);
    const outcome = runBootloader(hardware);
    expect(outcome).toMatchObject({ kind: "reset-loop", reason: "partition-table-invalid" });
    expect(outcome.log.slice(-2)).toEqual([
      "E boot: Failed to verify partition table",
      "E boot: load partition table error!",
    ]);
    return outcome.trace[1];
  };

  test.for([
    { what: "is blank", change: (bytes: Uint8Array) => bytes.fill(0xff) },
    { what: "doesn't match its MD5", change: (bytes: Uint8Array) => bytes.fill(0x58, 12, 13) },
    { what: "has a foreign entry", change: (bytes: Uint8Array) => bytes.fill(0x00, 32, 34) },
    { what: "has zeros for its end marker", change: (bytes: Uint8Array) => bytes.fill(0x00, 0xe0, 0x100) },
  ])("resets with error 0x103 at every start if it $what", ({ change }) => {
    expect(reject(change)).toMatchObject({ type: "table-rejected", err: EspErr.ESP_ERR_INVALID_STATE });
  });

  test("must fit the flash size in the bootloader's header", () => {
    const hardware = board({ factory: true, chip: "esp32c3" });
    expect(bootOf(hardware)).toBe("factory");
    // A bootloader image at 0x0 whose header says 1 MB (high nibble 0): all fits. There is no smaller size to name.
    hardware.flash.load(0, Uint8Array.of(APP_IMAGE_MAGIC, 3, 2, 0x0f));
    expect(bootOf(hardware)).toBe("factory");

    const large = board({
      factory: true,
      chip: "esp32c3",
      table: (entries) => ({
        entries: [
          ...entries,
          { label: "storage", type: PartitionType.DATA, subtype: 0x82, offset: 0x100000, size: 0x100000, flags: 0 },
        ],
      }),
    });
    expect(runBootloader(large).trace[1]).toMatchObject({ type: "table-rejected", err: EspErr.ESP_ERR_INVALID_SIZE });
    large.flash.load(0, Uint8Array.of(APP_IMAGE_MAGIC, 3, 2, 0x1f)); // 2 MB
    expect(bootOf(large)).toBe("factory");
  });

  test("may be at another offset", () => {
    const hardware = board({ factory: true });
    const table = hardware.flash.truth(PARTITION_TABLE_OFFSET, 0xc00);
    hardware.flash.load(0x7000, table);
    hardware.flash.load(PARTITION_TABLE_OFFSET, new Uint8Array(0xc00));
    expect(bootOf(hardware, { tableOffset: 0x7000 })).toBe("factory");
    expect(bootOf(hardware)).toBe("partition-table-invalid");
  });

  test("may place otadata beyond the flash, which no start survives", () => {
    const hardware = board({
      chip: "esp32c3",
      factory: true,
      table: (entries) => ({
        entries: entries.map((e) => (e.label === "otadata" ? { ...e, offset: 0x100000 } : e)),
      }),
    });
    hardware.flash.load(0, Uint8Array.of(APP_IMAGE_MAGIC, 3, 2, 0x2f)); // says 4 MB; the chip has 1
    expect(bootOf(hardware)).toBe("otadata-beyond-flash");
  });
});

describe("pins", () => {
  test("erases the selected data partitions on factory reset, and otadata if built to", () => {
    const hardware = board({ factory: true, otadata: [entry(1, VALID), entry(2, VALID)] });
    hardware.flash.load(0x9000, new Uint8Array(0x4000));
    const outcome = runBootloader(hardware, { factoryReset: { dataPartitions: ["nvs"], otadata: true } });
    expect(outcome).toMatchObject({ kind: "boots", slot: "factory" });
    expect(hardware.flash.truth(0x9000, 0x4000).every((byte) => byte === 0xff)).toBe(true);
    expect(otadataOf(hardware)).toEqual(["blank", "blank"]);
    expect(outcome.trace).toContainEqual({ type: "factory-reset", erased: ["nvs", "otadata"] });
  });

  test("starts only the test app with the test pin, even if that is missing or invalid", () => {
    const testAppPin = true;
    const good = runBootloader(board({ factory: true, test: true }), { testAppPin });
    expect(good).toMatchObject({ kind: "boots", slot: "test" });
    expect(good.log).not.toContain("W boot: Falling back to test app as only bootable partition");
    expect(bootOf(board({ factory: true }), { testAppPin })).toBe("no-test-app");
    expect(bootOf(board({ factory: true, test: true, corrupt: ["test"] }), { testAppPin })).toBe(
      "test-app-not-bootable",
    );
  });
});

test("ignores otadata without OTA slots", () => {
  expect(bootOf(board({ factory: true, slots: [], otadata: [entry(1, VALID), undefined] }))).toBe("factory");
  const options = { antiRollback: true };
  expect(bootOf(board({ factory: true, slots: [], otadata: [entry(1, VALID), undefined] }), options)).toBe(
    "divide-by-zero",
  );
});

test("starts a corrupt app if it was built to skip validation", () => {
  const spec = { otadata: [entry(1, VALID), undefined], corrupt: [0] } as const;
  expect(bootOf(board(spec))).toBe(1);
  expect(bootOf(board(spec), { skipValidate: true })).toBe(0);
});

test("validates after a reset if it was built to skip validation on power-on", () => {
  const hardware = board({ otadata: [undefined, entry(2, VALID)], corrupt: [1] });
  expect(bootOf(hardware, { skipValidateOnPowerOn: true })).toBe(1);
  expect(bootOf(hardware, { skipValidateOnPowerOn: true, resetReason: "software" })).toBe(0);
});

describe("a wake from deep sleep", () => {
  const asleep = { resetReason: "deep-sleep", skipValidateInDeepSleep: true } as const;

  test("starts the app in RTC memory without otadata and without validation", () => {
    const hardware = board({ otadata: [entry(1, VALID), undefined], corrupt: [1] });
    const outcome = runBootloader(hardware, { ...asleep, retained: { offset: 0x20000, sizeBytes: 0x10000 } });
    expect(outcome).toMatchObject({ kind: "boots", slot: 1 });
    expect(outcome.log).toContain("I boot: Fast booting app from partition at offset 0x20000");
    expect(outcome.trace.map(({ type }) => type)).not.toContain("otadata-read");
  });

  test("continues as a normal start if that app is invalid or RTC memory was lost", () => {
    const hardware = board({ otadata: [entry(1, VALID), undefined], empty: [1] });
    const outcome = runBootloader(hardware, { ...asleep, retained: { offset: 0x20000, sizeBytes: 0x10000 } });
    expect(outcome).toMatchObject({ kind: "boots", slot: 0 });
    expect(outcome.log).toContain("E boot: Fast booting is not successful");
    expect(bootOf(hardware, asleep)).toBe(0);
  });

  test("ignores the pins", () => {
    const hardware = board({ test: true, otadata: [entry(1, VALID), undefined] });
    const pins = { testAppPin: true, factoryReset: { dataPartitions: [], otadata: true } };
    expect(bootOf(hardware, { ...asleep, ...pins })).toBe(0);
    expect(hardware.flash.operationCount).toBe(0);
  });
});

test("reports a flash failure while it rewrites otadata, and still starts the app", () => {
  const hardware = board({ otadata: [entry(1, VALID), entry(2, NEW)] });
  hardware.flash.setFaults([{ type: "erase-fails", sectorIndex: OTADATA_OFFSET / 4096 + 1 }]);
  const outcome = runBootloader(hardware);
  expect(outcome).toMatchObject({ kind: "boots", slot: 1 });
  expect(outcome.log).toContain("E boot: Error in write_otadata operation. err = 0x6001");
  expect(otadataOf(hardware)).toEqual(["1:valid", "2:new"]);
});

test("preserves the label and discards the rest of the sector as the bootloader does", () => {
  const hardware = board({ otadata: [{ ...entry(1, NEW), label: new Uint8Array(20).fill(0x41) }, undefined] });
  hardware.flash.load(OTADATA_OFFSET + 32, Uint8Array.of(1, 2, 3));
  runBootloader(hardware);
  expect(otadataOf(hardware)).toEqual(["1:pending-verify", "blank"]);
  expect(hardware.flash.truth(OTADATA_OFFSET + 4, 20)).toEqual(new Uint8Array(20).fill(0x41));
  expect(hardware.flash.truth(OTADATA_OFFSET + 32, 3)).toEqual(Uint8Array.of(0xff, 0xff, 0xff)); // erased with it
});
