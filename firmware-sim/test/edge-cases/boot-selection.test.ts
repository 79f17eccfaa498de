// What the bootloader makes of otadata. R: rollback is on, r: off, A: anti-rollback is on.

import { OtaImageState } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { runBootloader } from "../../src/boot/bootloader.ts";
import { board, bootOf, entry, OTADATA_OFFSET, otadataOf, torn } from "../board-spec.ts";
import { A, expectStart, r } from "./expect-start.ts";

const { NEW, PENDING_VERIFY, VALID, INVALID, ABORTED, UNDEFINED } = OtaImageState;

test("row 1: both entries blank, with factory: boots factory and writes nothing", () => {
  expectStart({ factory: true }, { boots: "factory", next: ["factory"] });
});

test("row 2: both blank, no factory: tries ota_0 upwards, then records {slot + 1, VALID} in sector 0 and leaves sector 1 alone", () => {
  const hardware = expectStart({}, { boots: 0, otadata: ["1:valid", "blank"] });
  expect(hardware.flash.wear((OTADATA_OFFSET + 0x1000) / 4096)).toBe(0);
});

test("row 3: both blank, no factory, ota_0 corrupt and ota_1 good: boots ota_1 and records {2, VALID}", () => {
  expectStart({ corrupt: [0] }, { boots: 1, otadata: ["2:valid", "blank"], next: [1] });
});

test("row 4: one entry with a bad CRC, the other blank, no factory: tries ota_0, ota_1 … and never repairs otadata; A repairs it", () => {
  const spec = { otadata: [torn(5, UNDEFINED), undefined] } as const;
  expectStart(spec, { boots: 0, next: [0] });
  expectStart({ ...spec, corrupt: [0] }, { boots: 1, next: [1] });
  expectStart(spec, { options: A, boots: 0, otadata: ["1:valid", "blank"] });
});

test("row 5: one entry with a bad CRC, the other blank, with factory: boots factory", () => {
  expectStart({ factory: true, otadata: [torn(5, UNDEFINED), undefined] }, { boots: "factory", next: ["factory"] });
});

test("row 6: one CRC torn, the other good: the good one counts, even with the smaller sequence number", () => {
  expectStart({ otadata: [entry(1, VALID), torn(2, NEW)] }, { boots: 0 });
  expectStart({ otadata: [torn(9, NEW), entry(2, VALID)] }, { boots: 1 });
});

test("row 7: both entries valid with the same sequence number: index 0 wins", () => {
  expectStart({ otadata: [entry(1, NEW), entry(1, VALID)] }, { boots: 0, otadata: ["1:pending-verify", "1:valid"] });
});

test("row 9: sequence 0 with CRC FFFFFFFF is valid and selects slot FFFFFFFF mod N", () => {
  const zero = { ...entry(0, UNDEFINED), crc: 0xffff_ffff };
  expectStart({ otadata: [zero, undefined] }, { boots: 1 });
  expectStart({ slots: [0, 1, 2], otadata: [zero, undefined] }, { boots: 0 });
  const hardware = board();
  hardware.flash.load(OTADATA_OFFSET, new Uint8Array(4)); // the only programmed word of a blank sector
  expect(bootOf(hardware)).toBe(1);
});

test("row 10: sequence numbers that wrapped: the old entry stays newer for ever", () => {
  expectStart({ otadata: [entry(2, VALID), entry(0xffff_fff1, VALID)] }, { boots: 0, next: [0] });
});

test("row 11: PENDING_VERIFY at boot, R: that sector becomes ABORTED before selection, even when its CRC is bad", () => {
  expectStart(
    { otadata: [entry(1, VALID), entry(2, PENDING_VERIFY)] },
    { boots: 0, otadata: ["1:valid", "2:aborted"], next: [0] },
  );
  expectStart(
    { otadata: [entry(1, VALID), torn(2, PENDING_VERIFY)] },
    { boots: 0, otadata: ["1:valid", "2:aborted torn"] },
  );
});

test("row 12: PENDING_VERIFY at boot, r: boots normally and writes nothing", () => {
  expectStart({ otadata: [entry(1, VALID), entry(2, PENDING_VERIFY)] }, { options: r, boots: 1, next: [1, 1] });
});

test("row 13: the only entry ABORTED, the other blank, with factory: boots factory", () => {
  expectStart({ factory: true, otadata: [entry(1, ABORTED), undefined] }, { boots: "factory" });
});

test("row 14: the only entry ABORTED, the other blank, no factory: the aborted ota_0 boots again on every reset, with no write", () => {
  expectStart({ otadata: [entry(1, ABORTED), undefined] }, { boots: 0, next: [0, 0] });
});

test("row 15: both entries ABORTED or INVALID, no factory: boots ota_0, then ota_1 if ota_0 is corrupt, with no write", () => {
  expectStart({ otadata: [entry(1, INVALID), entry(2, ABORTED)] }, { boots: 0, next: [0] });
  expectStart({ otadata: [entry(1, ABORTED), entry(2, INVALID)], corrupt: [0] }, { boots: 1, next: [1] });
});

test("row 20: nothing bootable: 'No bootable app partitions in the partition table' and a reset, for ever", () => {
  const spec = { factory: true, corrupt: [0, "factory"], empty: [1] } as const;
  const hardware = expectStart(spec, { boots: "no-bootable-app", next: ["no-bootable-app"] });
  expect(runBootloader(hardware).log.at(-1)).toBe("E boot: No bootable app partitions in the partition table");
});

test("row 22: otadata of one sector: the bootloader resets for ever, with no fallback", () => {
  const spec = { factory: true, otadataSize: 0x1000 };
  expectStart(spec, { boots: "otadata-too-small", next: ["otadata-too-small"] });
});

test("row 50: R, factory-reset pin held while the entry is NEW: NEW, PENDING_VERIFY, ABORTED in one boot, and the new app never runs", () => {
  expectStart(
    { otadata: [entry(1, VALID), entry(2, NEW)] },
    {
      options: { factoryReset: { dataPartitions: ["nvs"], otadata: false } },
      boots: 0,
      otadata: ["1:valid", "2:aborted"],
    },
  );
});

test("row 51: R, deep-sleep wake while PENDING_VERIFY: ABORTED, there being no exemption for deep sleep", () => {
  const spec = { otadata: [entry(1, VALID), entry(2, PENDING_VERIFY)] } as const;
  const asleep = { resetReason: "deep-sleep" } as const;
  expectStart(spec, { options: asleep, boots: 0, otadata: ["1:valid", "2:aborted"] });

  // Only the build that loads what RTC memory names, unseen, leaves it be: until the next start that isn't a wake.
  const fast = { ...asleep, skipValidateInDeepSleep: true, retained: { offset: 0x20000, sizeBytes: 0x10000 } };
  const hardware = expectStart(spec, { options: fast, boots: 1, next: [1] });
  expect(bootOf(hardware)).toBe(0);
  expect(otadataOf(hardware)).toEqual(["1:valid", "2:aborted"]);
});
