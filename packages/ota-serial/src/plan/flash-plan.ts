import { OtaError } from "@tinybms/ota-core";
import { DataSubtype, findPartition, PartitionType, SIGNATURE_SECTOR_SIZE } from "@tinybms/ota-core/esp";
import type { FlashPart, FlashRange } from "../flash/regions.ts";
import type { Board } from "../loader/board.ts";
import { type AppSlot, type BoardLayout, bootingSlot, type SlotName } from "./board-layout.ts";
import { checkChip, checkProduct, checkSecurity, checkSize, type FlashImage } from "./check-image.ts";
import { chooseSlot, type SlotChoice } from "./choose-slot.ts";
import { selectSlot } from "./select-slot.ts";

/** What will be written, in order, and what should come of it. */
export interface FlashPlan {
  /** Written and verified one after the other: what one step makes bootable, the step before has proved to be there. */
  readonly steps: readonly (readonly FlashPart[])[];
  /** What must be the same afterwards: bootloader, partition table, and the app that runs until now. */
  readonly keeps: readonly FlashRange[];
  /** The app that should start then; `undefined` if no app is written. */
  readonly app: { readonly name: string; readonly version: string; readonly projectName: string } | undefined;
  /** Where it goes. */
  readonly slot: SlotName | undefined;
  /** Whether the board starts nothing if it is unplugged meanwhile. */
  readonly isRisky: boolean;
  /** What the user should know before it begins, as sentences. */
  readonly warnings: readonly string[];
}

/** What an app is flashed with. */
export interface AppFlashOptions {
  readonly slot: SlotChoice;
  /** Make it the one that boots. */
  readonly select: boolean;
  /** Content for the partition `nvs`. */
  readonly nvs?: Uint8Array;
  /** Another product than the one on the board is meant. */
  readonly force: boolean;
}

/**
 * Plans one app for one board.
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
  checkChip(port, board, app);
  checkSecurity(port, board, app.image.trailingSize >= SIGNATURE_SECTOR_SIZE);
  const booting = bootingSlot(layout);
  if (!force) checkProduct(port, booting, app);
  const slot = chooseSlot(port, layout, choice);
  checkSize(port, app.name, app.bytes.length, slot, board);
  const settings = nvs === undefined ? [] : [nvsPart(port, layout, nvs)];
  const otaCount = layout.slots.filter(({ name }) => name !== "factory").length;
  const selection = select ? selectSlot(slot.name, otaCount, layout.otadata) : [];
  const isRisky = slot === booting;
  const warnings = isRisky
    ? [
        `${slot.name} is what the board on ${port} runs: if it is unplugged meanwhile, it may not start until it is flashed again`,
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

/** Up to the first partition everything stays, and so does the app that runs. */
function keptBy({ table }: BoardLayout, target: AppSlot, booting: AppSlot | undefined): readonly FlashRange[] {
  const first = Math.min(...table.entries.map(({ offset }) => offset));
  const head = { offset: 0, size: first };
  if (booting === undefined || booting === target) return [head];
  const { offset, size } = booting.partition;
  return [head, { offset, size }];
}

/** Returns what of an app its log tells. */
export function startingApp({ name, image }: FlashImage): FlashPlan["app"] {
  const { version = "", projectName = "" } = image.descriptor ?? {};
  return { name, version, projectName };
}

/**
 * Content for the partition `nvs`, the first where there are several.
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
  const message = `the NVS is ${bytes.length} bytes; partition ${partition.label} of the board on ${port} has ${partition.size}, and its content must have that size`;
  const details = { port, part: partition.label, size: bytes.length, limit: partition.size };
  throw new OtaError("serial/does-not-fit", message, details, { hint: "make it with the partition's size" });
}
