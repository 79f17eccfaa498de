import { equalBytes } from "@tinybms/ota-core";
import { expect } from "vitest";
import type { BootloaderOptions, Hardware } from "../../src/boot/boot-options.ts";
import { type BoardSpec, board, bootOf, otadataOf } from "../board-spec.ts";

/** R: rollback is on in bootloader and app. */
export const R: BootloaderOptions = { rollback: true };
/** r: rollback is off. */
export const r: BootloaderOptions = { rollback: false };
/** A: anti-rollback is on. */
export const A: BootloaderOptions = { rollback: true, antiRollback: true };

/** What a start is to do. */
export interface ExpectedStart {
  /** R without it. */
  readonly options?: BootloaderOptions;
  /** The slot that boots, or why none does. */
  readonly boots: number | string;
  /** otadata afterwards; as before without it, with no flash operation. */
  readonly otadata?: readonly [string, string];
  /** What the next starts boot. */
  readonly next?: readonly (number | string)[];
}

/** Starts a board and checks all of it. @returns The board, for more. */
export function expectStart(spec: BoardSpec, { options = R, boots, otadata, next = [] }: ExpectedStart): Hardware {
  const hardware = board(spec);
  const before = hardware.flash.dump();
  expect(bootOf(hardware, options)).toBe(boots);
  if (otadata === undefined) {
    expect(equalBytes(hardware.flash.dump(), before)).toBe(true);
    expect(hardware.flash.operationCount).toBe(0);
  } else {
    expect(otadataOf(hardware)).toEqual(otadata);
  }
  for (const slot of next) expect(bootOf(hardware, options)).toBe(slot);
  return hardware;
}
