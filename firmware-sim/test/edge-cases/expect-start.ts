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

/** Expected result of a start. */
export interface ExpectedStart {
  /** Options of the bootloader. @defaultValue {@link R} */
  readonly options?: BootloaderOptions;
  /** The slot that boots, or the reason why no slot does. */
  readonly boots: number | string;
  /** Entries of otadata after the start. By default otadata must be unchanged, without any flash operation. */
  readonly otadata?: readonly [string, string];
  /** Slots that the next starts boot. */
  readonly next?: readonly (number | string)[];
}

/**
 * Starts a board and checks the result.
 * @returns The board, for further checks.
 */
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
