import { OtaError } from "@tinybms/ota-core";
import { DataSubtype, findPartition, PartitionType, SIGNATURE_SECTOR_SIZE } from "@tinybms/ota-core/esp";
import type { FlashPart, FlashRange } from "../flash/regions.ts";
import type { Board } from "../loader/board.ts";
import { type AppSlot, type BoardLayout, bootingSlot, type SlotName } from "./board-layout.ts";
import { assertChip, assertFits, assertProduct, assertSecurity, type FlashImage } from "./check-image.ts";
import { chooseSlot, type SlotChoice } from "./choose-slot.ts";
import { selectSlot } from "./select-slot.ts";

/** Parts to write, in order, and the expected result. */
export interface FlashPlan {
  /** Steps, each written and verified before the next. So otadata selects an app only after the app is verified. */
  readonly steps: readonly (readonly FlashPart[])[];
  /** Ranges that must stay unchanged: bootloader, partition table and the running app. */
  readonly keeps: readonly FlashRange[];
  /** App that should start afterwards; `undefined` if the plan selects none. */
  readonly app: { readonly name: string; readonly version: string; readonly projectName: string } | undefined;
  /** Slot that the app is written to. */
  readonly slot: SlotName | undefined;
  /** `true` if an interruption can leave the board unable to start. */
  readonly isRisky: boolean;
  /** Sentences to show before writing. */
  readonly warnings: readonly string[];
}

/** Options of {@link planAppFlash}. */
export interface AppFlashOptions {
  readonly slot: SlotChoice;
  /** Makes the slot the boot slot. */
  readonly select: boolean;
  /** Content for the NVS partition. */
  readonly nvs?: Uint8Array | undefined;
  /** Allows an app of another product than the one on the board. */
  readonly force: boolean;
}

/**
 * Plans how to flash one app to one board.
 *
 * @throws {@link OtaError} `serial/wrong-chip`.
 * @throws {@link OtaError} `serial/chip-revision`.
 * @throws {@link OtaError} `serial/secure-boot`.
 * @throws {@link OtaError} `serial/flash-encrypted`.
 * @throws {@link OtaError} `serial/wrong-product`.
 * @throws {@link OtaError} `serial/no-partition`.
 * @throws {@link OtaError} `serial/does-not-fit`.
 */
export function planAppFlash(
  port: string,
  board: Board,
  layout: BoardLayout,
  app: FlashImage,
  { slot: choice, select, nvs, force }: AppFlashOptions,
): FlashPlan {
  assertChip(port, board, app);
  assertSecurity(port, board, app.image.trailingSize >= SIGNATURE_SECTOR_SIZE);
  const booting = bootingSlot(layout);
  if (!force) assertProduct(port, booting, app);
  const slot = chooseSlot(port, layout, choice);
  assertFits(port, app.name, app.bytes.length, slot, board);
  const settings = nvs === undefined ? [] : [nvsPart(port, layout, nvs)];
  const otaCount = layout.slots.filter(({ name }) => name !== "factory").length;
  const selection = select ? selectSlot(slot.name, otaCount, layout.otadata) : [];
  const isRisky = slot === booting;
  const warnings = isRisky
    ? [
        `${slot.name} is the running slot of the board on ${port}: if flashing is interrupted, the board may not start until it is flashed again`,
      ]
    : [];
  return {
    steps: [[{ name: app.name, offset: slot.partition.offset, bytes: app.bytes }, ...settings], selection].filter(
      (parts) => parts.length > 0,
    ),
    keeps: keptBy(layout, slot, booting),
    app: select ? startingApp(app) : undefined,
    slot: slot.name,
    isRisky,
    warnings,
  };
}

/** Returns the ranges that must stay unchanged: everything before the first partition, and the running app. */
function keptBy({ table }: BoardLayout, target: AppSlot, booting: AppSlot | undefined): readonly FlashRange[] {
  const first = Math.min(...table.entries.map(({ offset }) => offset));
  const head = { offset: 0, size: first };
  if (booting === undefined || booting === target) return [head];
  const { offset, size } = booting.partition;
  return [head, { offset, size }];
}

/** Returns the parts of an app's descriptor that its boot log contains. */
export function startingApp({ name, image }: FlashImage): FlashPlan["app"] {
  const { version = "", projectName = "" } = image.descriptor ?? {};
  return { name, version, projectName };
}

/**
 * Returns the part that writes `bytes` to the first NVS partition.
 *
 * @throws {@link OtaError} `serial/no-partition`.
 * @throws {@link OtaError} `serial/does-not-fit`.
 */
export function nvsPart(port: string, { table }: Pick<BoardLayout, "table">, bytes: Uint8Array): FlashPart {
  const partition = findPartition(table, PartitionType.DATA, DataSubtype.NVS);
  if (partition === undefined) {
    const known = table.entries.map(({ label }) => label);
    const message = `the partition table of the board on ${port} has no partition for NVS`;
    throw new OtaError("serial/no-partition", message, { port, partition: "nvs", known });
  }
  if (bytes.length === partition.size) return { name: partition.label, offset: partition.offset, bytes };
  const message = `the NVS content has ${bytes.length} bytes; it must fill partition ${partition.label} of the board on ${port}, which has ${partition.size}`;
  const details = { port, part: partition.label, size: bytes.length, limit: partition.size };
  throw new OtaError("serial/does-not-fit", message, details, { hint: "create it with the partition's size" });
}
