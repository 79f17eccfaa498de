// What the bootloader makes of otadata. R: rollback is on, r: off, A: anti-rollback is on.

import { OtaImageState } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { runBootloader } from "../../src/boot/bootloader.ts";
import { board, bootOf, entry, OTADATA_OFFSET, otadataOf, torn } from "../board-spec.ts";
import { A, expectStart, r } from "./expect-start.ts";

const { NEW, PENDING_VERIFY, VALID, INVALID, ABORTED, UNDEFINED } = OtaImageState;

test("row 1: boots factory and writes nothing if both entries are blank", () => {
  expectStart({ factory: true }, { boots: "factory", next: ["factory"] });
});

// Tries ota_0 and up, then records {slot + 1, VALID} in sector 0 and leaves sector 1 unchanged.
test("row 2: boots and records the first bootable slot if both entries are blank without factory", () => {
  const hardware = expectStart({}, { boots: 0, otadata: ["1:valid", "blank"] });
  expect(hardware.flash.wear((OTADATA_OFFSET + 0x1000) / 4096)).toBe(0);
});

// There is no factory, and ota_1 is valid.
test("row 3: boots ota_1 and records {2, VALID} if both entries are blank and ota_0 is corrupt", () => {
  expectStart({ corrupt: [0] }, { boots: 1, otadata: ["2:valid", "blank"], next: [1] });
});

// The other entry is blank. Tries ota_0, ota_1 and so on. With A, repairs otadata.
test("row 4: tries all slots without repairing otadata if an entry has a bad CRC and there is no factory", () => {
  const spec = { otadata: [torn(5, UNDEFINED), undefined] } as const;
  expectStart(spec, { boots: 0, next: [0] });
  expectStart({ ...spec, corrupt: [0] }, { boots: 1, next: [1] });
  expectStart(spec, { options: A, boots: 0, otadata: ["1:valid", "blank"] });
});

test("row 5: boots factory if one entry has a bad CRC and the other is blank", () => {
  expectStart({ factory: true, otadata: [torn(5, UNDEFINED), undefined] }, { boots: "factory", next: ["factory"] });
});

test("row 6: uses the entry with a correct CRC if the other is torn, even with a smaller sequence", () => {
  expectStart({ otadata: [entry(1, VALID), torn(2, NEW)] }, { boots: 0 });
  expectStart({ otadata: [torn(9, NEW), entry(2, VALID)] }, { boots: 1 });
});

test("row 7: prefers index 0 of two valid entries with the same sequence", () => {
  expectStart({ otadata: [entry(1, NEW), entry(1, VALID)] }, { boots: 0, otadata: ["1:pending-verify", "1:valid"] });
});

test("row 9: accepts sequence 0 with CRC FFFFFFFF, and selects slot FFFFFFFF mod N", () => {
  const zero = { ...entry(0, UNDEFINED), crc: 0xffff_ffff };
  expectStart({ otadata: [zero, undefined] }, { boots: 1 });
  expectStart({ slots: [0, 1, 2], otadata: [zero, undefined] }, { boots: 0 });
  const hardware = board();
  hardware.flash.load(OTADATA_OFFSET, new Uint8Array(4)); // the only programmed word of a blank sector
  expect(bootOf(hardware)).toBe(1);
});

test("row 10: keeps the old entry newest forever after the sequence has overflowed", () => {
  expectStart({ otadata: [entry(2, VALID), entry(0xffff_fff1, VALID)] }, { boots: 0, next: [0] });
});

test("row 11: changes PENDING_VERIFY to ABORTED before selection with R, even with a bad CRC", () => {
  expectStart(
    { otadata: [entry(1, VALID), entry(2, PENDING_VERIFY)] },
    { boots: 0, otadata: ["1:valid", "2:aborted"], next: [0] },
  );
  expectStart(
    { otadata: [entry(1, VALID), torn(2, PENDING_VERIFY)] },
    { boots: 0, otadata: ["1:valid", "2:aborted torn"] },
  );
});

test("row 12: boots a PENDING_VERIFY entry without a write with r", () => {
  expectStart({ otadata: [entry(1, VALID), entry(2, PENDING_VERIFY)] }, { options: r, boots: 1, next: [1, 1] });
});

test("row 13: boots factory if the only entry is ABORTED and the other is blank", () => {
  expectStart({ factory: true, otadata: [entry(1, ABORTED), undefined] }, { boots: "factory" });
});

// The only entry is ABORTED, and the other is blank.
test("row 14: boots the aborted ota_0 at every reset without factory, and writes nothing", () => {
  expectStart({ otadata: [entry(1, ABORTED), undefined] }, { boots: 0, next: [0, 0] });
});

// ota_1 boots if ota_0 is corrupt. Nothing is written.
test("row 15: boots ota_0, then ota_1, if both entries are ABORTED or INVALID without factory", () => {
  expectStart({ otadata: [entry(1, INVALID), entry(2, ABORTED)] }, { boots: 0, next: [0] });
  expectStart({ otadata: [entry(1, ABORTED), entry(2, INVALID)], corrupt: [0] }, { boots: 1, next: [1] });
});

// The log has 'No bootable app partitions in the partition table'.
test("row 20: resets in an endless loop if nothing is bootable", () => {
  const spec = { factory: true, corrupt: [0, "factory"], empty: [1] } as const;
  const hardware = expectStart(spec, { boots: "no-bootable-app", next: ["no-bootable-app"] });
  expect(runBootloader(hardware).log.at(-1)).toBe("E boot: No bootable app partitions in the partition table");
});

test("row 22: resets in an endless loop if otadata has one sector, without fallback", () => {
  const spec = { factory: true, otadataSize: 0x1000 };
  expectStart(spec, { boots: "otadata-too-small", next: ["otadata-too-small"] });
});

// NEW, PENDING_VERIFY and ABORTED follow in one boot, and the new app never runs.
test("row 50: aborts a NEW entry in one boot with R if the factory-reset pin is held", () => {
  expectStart(
    { otadata: [entry(1, VALID), entry(2, NEW)] },
    {
      options: { factoryReset: { dataPartitions: ["nvs"], otadata: false } },
      boots: 0,
      otadata: ["1:valid", "2:aborted"],
    },
  );
});

// Deep sleep is not exempt.
test("row 51: aborts a PENDING_VERIFY entry on wake from deep sleep with R", () => {
  const spec = { otadata: [entry(1, VALID), entry(2, PENDING_VERIFY)] } as const;
  const asleep = { resetReason: "deep-sleep" } as const;
  expectStart(spec, { options: asleep, boots: 0, otadata: ["1:valid", "2:aborted"] });

  // Only the build that loads what RTC memory names, unseen, leaves it be: until the next start that isn't a wake.
  const fast = { ...asleep, skipValidateInDeepSleep: true, retained: { offset: 0x20000, sizeBytes: 0x10000 } };
  const hardware = expectStart(spec, { options: fast, boots: 1, next: [1] });
  expect(bootOf(hardware)).toBe(0);
  expect(otadataOf(hardware)).toEqual(["1:valid", "2:aborted"]);
});
