import { OtaError } from "@tinybms/ota-core";
import { type AppSlot, type BoardLayout, bootingSlot, type SlotName } from "./board-layout.ts";

/** Slot for an app: the next OTA slot, the running one, or a named one. */
export type SlotChoice = "next" | "running" | SlotName;

/**
 * Returns the slot for a choice. `next` is the slot that an over-the-air update would use
 * (`esp_ota_get_next_update_partition`).
 *
 * @throws {@link OtaError} `serial/no-partition`.
 */
export function chooseSlot(port: string, layout: Pick<BoardLayout, "slots" | "otadata">, choice: SlotChoice): AppSlot {
  const { slots } = layout;
  const booting = bootingSlot(layout);
  const otas = slots.filter(({ name }) => name !== "factory");
  if (choice === "running") {
    // If no slot has an image, the bootloader tries the first slot first.
    const running = booting ?? slots[0];
    if (running === undefined) throw noSlot(port, slots, "app", "its partition table has no app partition");
    return running;
  }
  if (choice !== "next") {
    const named = slots.find(({ name }) => name === choice);
    if (named === undefined) throw noSlot(port, slots, choice, `its partition table has no ${choice}`);
    return named;
  }
  const index = booting === undefined ? -1 : otas.indexOf(booting);
  const next = otas[(index + 1) % Math.max(1, otas.length)];
  if (next !== undefined && next !== booting) return next;
  const why = next === undefined ? "it has no OTA slots" : `${next.name} is its only OTA slot, and it is running`;
  const name = booting?.name ?? "factory";
  throw noSlot(
    port,
    slots,
    "next",
    why,
    `--slot ${name} overwrites ${booting === undefined ? "it" : "the running app"}`,
  );
}

function noSlot(
  port: string,
  slots: readonly AppSlot[],
  partition: string,
  why: string,
  hint?: string,
): OtaError<"serial/no-partition"> {
  const known = slots.map(({ name }) => name);
  const message = `the board on ${port} has no slot for --slot ${partition}: ${why}`;
  const advice = hint ?? (known.length === 0 ? "flash --all writes another table" : `it has ${known.join(", ")}`);
  return new OtaError("serial/no-partition", message, { port, partition, known }, { hint: advice });
}
