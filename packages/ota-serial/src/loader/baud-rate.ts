import { isOtaError } from "@tinybms/ota-core";
import { LoaderOp, loaderWords } from "@tinybms/ota-core/serial";
import { readRegister } from "./board.ts";
import { MAGIC_REGISTER } from "./chip-registers.ts";
import type { LoaderLink } from "./loader-link.ts";

/** Baud rates to fall back to, in descending order. */
const STEPS: readonly number[] = [2_000_000, 1_500_000, 921_600, 460_800, 230_400, 115_200];

/** Pause after a change of the baud rate, in milliseconds. */
const SETTLE_MS = 50;

/** Returns the next lower baud rate, or `undefined` if there is none. */
export function nextLowerBaudRate(baudRate: number): number | undefined {
  return STEPS.find((step) => step < baudRate);
}

/**
 * Changes the baud rate of the stub and of the line, and tests it.
 *
 * @returns `true` if the stub answers at the new rate. If not, the board must be reset.
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
