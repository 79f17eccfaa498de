// Power is cut before, inside (every tear) and after every flash operation of everything that writes otadata.
//
// Invariants: 1 something boots, whatever is torn, at this and the next three starts · 2 it is one of the apps that the
// sweep names, and each of these occurs · 3 what was interrupted can be done again and then holds · 4 a new app starts on
// probation, except where the format can't say so: those are counted by their tear.

import { type OtadataEntry, OtaImageState } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import type { BootSlot } from "../src/boot/boot-event.ts";
import { copyHardware, type Hardware } from "../src/boot/boot-options.ts";
import { runBootloader } from "../src/boot/bootloader.ts";
import { EspErr } from "../src/esp-err/esp-err.ts";
import type { AppContext } from "../src/esp-idf/app-context.ts";
import { esp_ota_set_boot_partition } from "../src/esp-idf/esp-ota-boot.ts";
import {
  esp_ota_invalidate_inactive_ota_data_slot,
  esp_ota_mark_app_invalid_rollback,
  esp_ota_mark_app_valid_cancel_rollback,
} from "../src/esp-idf/esp-ota-rollback.ts";
import type { CutPlan } from "../src/flash/power-cut.ts";
import { ERASE_TEARS, PROGRAM_TEARS } from "../src/flash/tears.ts";
import { board, bootOf, entry, otadataOf, partition, start, untilPowerCut } from "./board-spec.ts";

const { NEW, PENDING_VERIFY, VALID } = OtaImageState;

/** Random tears are tried with this many seeds. */
const SEEDS = 24;

/** Every cut of an operation that erases one sector, then programs an entry. */
const CUTS: readonly CutPlan[] = [ERASE_TEARS, PROGRAM_TEARS].flatMap((tears, index) => [
  { operation: index + 1, moment: "before" as const },
  ...tears.flatMap(({ name }) =>
    Array.from({ length: SEEDS }, (_, seed) => ({
      operation: index + 1,
      moment: "during" as const,
      variant: name,
      seed,
    })),
  ),
  { operation: index + 1, moment: "after" as const },
]);

interface Sweep {
  readonly what: string;
  readonly otadata: readonly [OtadataEntry | undefined, OtadataEntry | undefined];
  readonly factory?: boolean;
  /** What boots before the cut; the writer runs in it. Without it the bootloader is what is cut. */
  readonly writer?: (app: AppContext) => number;
  /** What boots next when power stays on. */
  readonly uncut: BootSlot;
  /** What boots first after a cut: all of these occur, and nothing else. */
  readonly seen: readonly BootSlot[];
}

const SWEEPS: readonly Sweep[] = [
  {
    what: "esp_ota_set_boot_partition on a fresh other entry",
    otadata: [entry(1, VALID), undefined],
    writer: (app) => esp_ota_set_boot_partition(app, partition(app, "ota_1")),
    uncut: 1,
    seen: [0, 1],
  },
  {
    what: "esp_ota_set_boot_partition over an aborted entry",
    otadata: [entry(1, VALID), entry(2, OtaImageState.ABORTED)],
    writer: (app) => esp_ota_set_boot_partition(app, partition(app, "ota_1")),
    uncut: 1,
    seen: [0, 1],
  },
  {
    what: "esp_ota_set_boot_partition of the slot that is active already",
    otadata: [entry(1, VALID), undefined],
    writer: (app) => esp_ota_set_boot_partition(app, partition(app, "ota_0")),
    uncut: 0,
    seen: [0],
  },
  {
    what: "mark_app_valid",
    otadata: [entry(1, VALID), entry(2, NEW)],
    writer: esp_ota_mark_app_valid_cancel_rollback,
    uncut: 1,
    seen: [0, 1],
  },
  {
    what: "mark_app_valid of the first update of a factory device",
    factory: true,
    otadata: [entry(1, NEW), undefined],
    writer: esp_ota_mark_app_valid_cancel_rollback,
    uncut: 0,
    seen: [0, "factory"],
  },
  {
    what: "mark_app_invalid",
    otadata: [entry(1, VALID), entry(2, NEW)],
    writer: esp_ota_mark_app_invalid_rollback,
    uncut: 0,
    seen: [0, 1], // 1 only by tears that bring a condemned app back, see below
  },
  {
    what: "the bootloader's NEW to PENDING_VERIFY",
    otadata: [entry(1, VALID), entry(2, NEW)],
    uncut: 0, // it ran once and was not confirmed
    seen: [0, 1],
  },
  {
    what: "the bootloader's PENDING_VERIFY to ABORTED",
    otadata: [entry(1, VALID), entry(2, PENDING_VERIFY)],
    uncut: 0,
    seen: [0, 1], // 1 only by tears that bring a condemned app back, see below
  },
  {
    what: "the bootloader's record of a first boot",
    otadata: [undefined, undefined],
    uncut: 0,
    seen: [0],
  },
];

test.for(SWEEPS)("a power cut anywhere in $what leaves an app that boots", (sweep) => {
  const { otadata, factory = false, writer, uncut } = sweep;
  const before = board({ factory, otadata });
  const app = writer === undefined ? undefined : start(before);
  const run = (hardware: Hardware) =>
    writer === undefined || app === undefined ? runBootloader(hardware) : writer({ ...app, ...hardware });

  const whole = copyHardware(before);
  run(whole);
  expect(whole.flash.operationCount - before.flash.operationCount, "one erase and one program").toBe(2);
  expect(bootOf(whole)).toBe(uncut);

  const seen = new Set<BootSlot>();
  for (const cut of CUTS) {
    const hardware = copyHardware(before);
    hardware.flash.cutPowerAt(cut);
    untilPowerCut(() => run(hardware));
    for (let starts = 0; starts < 4; starts++) {
      hardware.flash.powerOn();
      const outcome = runBootloader(hardware);
      if (outcome.kind !== "boots") expect.unreachable(`${JSON.stringify(cut)}: ${outcome.reason}`);
      else if (starts === 0) seen.add(outcome.slot);
    }
    expect(hardware.flash.violations, JSON.stringify(cut)).toEqual([]);
  }
  expect(seen).toEqual(new Set(sweep.seen));
});

test("selects the new app on retry after any cut of esp_ota_set_boot_partition", () => {
  const before = board({ otadata: [entry(1, VALID), entry(2, OtaImageState.ABORTED)] });
  const app = start(before);
  for (const cut of CUTS) {
    const hardware = copyHardware(before);
    hardware.flash.cutPowerAt(cut);
    untilPowerCut(() => esp_ota_set_boot_partition({ ...app, ...hardware }, partition(app, "ota_1")));
    hardware.flash.powerOn();
    const again = start(hardware);
    if (again.running.offset !== app.running.offset) continue; // the cut came after it was selected
    expect(esp_ota_set_boot_partition(again, partition(again, "ota_1")), JSON.stringify(cut)).toBe(EspErr.ESP_OK);
    const updated = start(hardware);
    expect(updated.running.offset, JSON.stringify(cut)).toBe(partition(app, "ota_1").address);
    expect(otadataOf(hardware)).toContain(`${otadataOf(hardware)[1]?.split(":")[0]}:pending-verify`);
  }
});

test("skips probation only after a tear that leaves a subset of bits: a limit of the format", () => {
  const before = board({ otadata: [entry(1, VALID), undefined] });
  const app = start(before);
  const outcomes: Record<string, number> = { old: 0, probation: 0 };
  const unprotected: Record<string, number> = {};
  for (const cut of CUTS) {
    const hardware = copyHardware(before);
    hardware.flash.cutPowerAt(cut);
    untilPowerCut(() => esp_ota_set_boot_partition({ ...app, ...hardware }, partition(app, "ota_1")));
    hardware.flash.powerOn();
    const slot = bootOf(hardware);
    if (slot === 0) outcomes.old!++;
    else if (otadataOf(hardware)[1] === "2:pending-verify") outcomes.probation!++;
    else unprotected[cut.variant ?? cut.moment] = (unprotected[cut.variant ?? cut.moment] ?? 0) + 1;
  }
  expect(outcomes.old).toBeGreaterThan(100);
  expect(outcomes.probation).toBeGreaterThan(20);
  expect(Object.keys(unprotected)).toEqual(expect.arrayContaining(["all-but-one-bit"]));
  expect(["all-but-one-bit", "subset-50", "subset-90", "subset-10"]).toEqual(
    expect.arrayContaining(Object.keys(unprotected)),
  );
});

test.for(SWEEPS.filter(({ what }) => what === "mark_app_invalid" || what.includes("ABORTED")))(
  "a condemned app comes back only by a tear that leaves a subset of its bits, after $what: a limit of the format",
  ({ otadata, writer }) => {
    const before = board({ otadata });
    const app = writer === undefined ? undefined : start(before);
    const revived = new Set<string>();
    for (const cut of CUTS) {
      const hardware = copyHardware(before);
      hardware.flash.cutPowerAt(cut);
      untilPowerCut(() =>
        writer === undefined || app === undefined ? runBootloader(hardware) : writer({ ...app, ...hardware }),
      );
      hardware.flash.powerOn();
      if (bootOf(hardware) === 1) revived.add(cut.variant ?? cut.moment);
    }
    expect(revived).toContain("all-but-one-bit");
    expect(["all-but-one-bit", "subset-10", "subset-50", "subset-90"]).toEqual(expect.arrayContaining([...revived]));
  },
);

test("keeps the running app selected after a cut while esp_ota_begin erases the inactive entry", () => {
  const before = board({ otadata: [entry(1, VALID), entry(2, OtaImageState.ABORTED)] });
  const app = start(before);
  for (const cut of CUTS.filter(({ operation }) => operation === 1)) {
    const hardware = copyHardware(before);
    hardware.flash.cutPowerAt(cut);
    untilPowerCut(() => esp_ota_invalidate_inactive_ota_data_slot({ ...app, ...hardware }));
    hardware.flash.powerOn();
    expect(bootOf(hardware), JSON.stringify(cut)).toBe(0);
  }
});
