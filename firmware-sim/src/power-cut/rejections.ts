import type { BootOutcome } from "../boot/bootloader.ts";

/** Returns why the bootloader rejected the target slot, if otadata named it first; otherwise an empty list. */
export function rejectionsOf(target: { readonly offset: number }, { trace }: BootOutcome): readonly string[] {
  const first = trace.find(({ type }) => type === "slot-rejected" || type === "slot-loaded");
  return first?.type === "slot-rejected" && first.partition.offset === target.offset ? [first.reason] : [];
}
