import { OtaImageState } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { board, entry, otadataOf, partition, start, torn } from "../../test/board-spec.ts";
import { idfRelease } from "../idf-release/idf-release.ts";
import {
  deselectTarget,
  findUpdateTarget,
  invalidateInactiveEntry,
  isRunningPending,
  isRunningSelected,
  repairBootSelection,
} from "./boot-selection-repair.ts";

const { ABORTED, NEW, PENDING_VERIFY, VALID } = OtaImageState;

test("nothing is written where the selected slot runs", () => {
  const hardware = board({ otadata: [entry(1, VALID), undefined] });
  const app = start(hardware);
  repairBootSelection(app, false);
  expect(otadataOf(hardware)).toEqual(["1:valid", "blank"]);
  expect(hardware.flash.operationCount).toBe(0);
});

test("after a fall-back the slot that runs is selected and confirmed, never the one that could not boot", () => {
  const hardware = board({ otadata: [entry(1, VALID), entry(2, NEW)], corrupt: [1] });
  const app = start(hardware);
  expect(isRunningSelected(app)).toBe(false);
  expect(findUpdateTarget(app)?.slot).toMatchObject({ slot: "ota_1", condemned: true });
  repairBootSelection(app, false);
  expect(otadataOf(hardware)).toEqual(["3:valid", "2:pending-verify"]);
  expect(isRunningSelected(app)).toBe(true);
});

test("an image on trial that runs by a fall-back is on probation again", () => {
  const hardware = board({ otadata: [entry(1, VALID), entry(2, NEW)], corrupt: [1] });
  const app = start(hardware);
  repairBootSelection(app, true);
  expect(otadataOf(hardware)).toEqual(["3:new", "2:pending-verify"]);
  expect(isRunningPending(app)).toBe(true);
});

test("an image that was given up stays given up, also where nothing else boots", () => {
  const hardware = board({ otadata: [entry(1, ABORTED), entry(2, NEW)], corrupt: [1] });
  const app = start(hardware);
  repairBootSelection(app, false);
  expect(otadataOf(hardware)).toEqual(["1:aborted", "2:pending-verify"]);
});

test("factory is selected again by blank otadata", () => {
  const hardware = board({ factory: true, otadata: [entry(2, VALID), undefined], corrupt: [0, 1] });
  const app = start(hardware);
  repairBootSelection(app, false);
  expect(otadataOf(hardware)).toEqual(["blank", "blank"]);
});

test("only the running slot's own selected entry makes it pending", () => {
  const pending = board({ otadata: [entry(1, VALID), entry(2, NEW)] });
  const app = start(pending);
  expect(otadataOf(pending)).toEqual(["1:valid", "2:pending-verify"]);
  expect(isRunningPending(app)).toBe(true);
  const plain = start(board({ otadata: [entry(1, VALID), entry(2, PENDING_VERIFY)] }));
  expect(isRunningPending(plain)).toBe(false);
  expect(findUpdateTarget(plain)?.slot).toMatchObject({ slot: "ota_1", condemned: true });
});

test("there is no target without a second slot, or without otadata", () => {
  expect(findUpdateTarget(start(board({ slots: [0] })))).toBeUndefined();
  expect(findUpdateTarget(start(board({ otadataSize: 0 })))).toBeUndefined();
  expect(findUpdateTarget(start(board({ slots: [], factory: true })))).toBeUndefined();
});

test("a slot that otadata selects and that does not run is deselected, with the running one recorded", () => {
  const hardware = board({ otadata: [entry(1, ABORTED), entry(2, VALID)], corrupt: [1] });
  const app = start(hardware);
  expect(deselectTarget(app, partition(app, "ota_1"))).toBe(0);
  expect(otadataOf(hardware)).toEqual(["3:valid", "2:valid"]);
  expect(deselectTarget(app, partition(app, "ota_1"))).toBe(0);
  expect(hardware.flash.operationCount).toBe(2);
});

test("for factory the entry that selects the slot is erased last", () => {
  const hardware = board({ factory: true, otadata: [entry(3, VALID), entry(2, VALID)], corrupt: [0, 1] });
  const app = start(hardware);
  hardware.flash.cutPowerAt({ operation: 2, moment: "before" });
  expect(() => deselectTarget(app, partition(app, "ota_0"))).toThrow("power cut");
  hardware.flash.powerOn();
  expect(otadataOf(hardware)).toEqual(["3:valid", "blank"]);
  expect(deselectTarget(app, partition(app, "ota_0"))).toBe(0);
  expect(otadataOf(hardware)).toEqual(["blank", "blank"]);
});

test("the inactive entry is erased alike with and without ESP-IDF's own call", () => {
  const entries = [undefined, entry(1, VALID), entry(2, ABORTED), entry(3, NEW), entry(4, VALID), torn(2, VALID)];
  for (const first of entries) {
    for (const second of entries) {
      const [before, after] = (["5.3.5", "5.5.1"] as const).map((release) => {
        const hardware = board({ otadata: [first, second] });
        const err = invalidateInactiveEntry(start(hardware, { rollback: false }, { idf: idfRelease(release) }));
        return [err, ...otadataOf(hardware)];
      });
      expect(before).toEqual(after);
    }
  }
});
