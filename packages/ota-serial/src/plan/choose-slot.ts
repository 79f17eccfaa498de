import { OtaError } from "@tinybms/ota-core";
import { type AppSlot, type BoardLayout, bootingSlot, type SlotName } from "./board-layout.ts";

/** Where an app goes: behind the one that starts, over it, or into a named slot. */
export type SlotChoice = "next" | "running" | SlotName;

/**
 * Returns the slot that a choice means on a board.
 *
 * `next` is the one that an update over the air would take (`esp_ota_get_next_update_partition`).
 *
 * @throws {@link OtaError} `serial/no-partition`.
 */
export function chooseSlot(port: string, layout: Pick<BoardLayout, "slots" | "otadata">, choice: SlotChoice): AppSlot {
  const { slots } = layout;
  const booting = bootingSlot(layout);
  const otas = slots.filter(({ name }) => name !== "factory");
  if (choice === "running") {
    // Where nothing starts yet, the bootloader looks at the first first.
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
  const why = next === undefined ? "it has no OTA slots" : `${next.name} is its only OTA slot, and what it runs`;
  const name = booting?.name ?? "factory";
  throw noSlot(port, slots, "next", why, `--slot ${name} writes over ${booting === undefined ? "it" : "what it runs"}`);
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
