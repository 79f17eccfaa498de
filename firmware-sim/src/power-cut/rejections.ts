import type { BootOutcome } from "../boot/bootloader.ts";

/** Returns why the bootloader would not start what stands in the target slot, if otadata named it first. */
export function rejectionsOf(target: { readonly offset: number }, { trace }: BootOutcome): readonly string[] {
  const first = trace.find(({ type }) => type === "slot-rejected" || type === "slot-loaded");
  return first?.type === "slot-rejected" && first.partition.offset === target.offset ? [first.reason] : [];
}
