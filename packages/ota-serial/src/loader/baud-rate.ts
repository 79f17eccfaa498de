import { isOtaError } from "@tinybms/ota-core";
import { LoaderOp, loaderWords } from "@tinybms/ota-core/serial";
import { readRegister } from "./board.ts";
import { MAGIC_REGISTER } from "./chip-registers.ts";
import type { LoaderLink } from "./loader-link.ts";

/** Rates to fall back to, each after a failure at a higher one. */
const STEPS: readonly number[] = [2_000_000, 1_500_000, 921_600, 460_800, 230_400, 115_200];

/** How long both sides take to settle, in milliseconds. */
const SETTLE_MS = 50;

/** Returns the next lower rate to try, or `undefined` if there is none. */
export function slowerThan(baudRate: number): number | undefined {
  return STEPS.find((step) => step < baudRate);
}

/**
 * Changes the rate of a stub and of the line, and tries it.
 *
 * @returns `true` if both understand each other at the new rate. If not, only a reset of the board helps.
 */
export async function changeBaudRate(link: LoaderLink, from: number, to: number): Promise<boolean> {
  const { line } = link;
  await link.command("CHANGE_BAUDRATE", LoaderOp.CHANGE_BAUDRATE, loaderWords(to, from));
  await line.setBaudRate(to);
  await line.wait(SETTLE_MS);
  await link.drain(1);
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await readRegister(link, MAGIC_REGISTER);
      return true;
    } catch (error) {
      if (!isOtaError(error, "serial/noise")) throw error;
    }
  }
  return false;
}
