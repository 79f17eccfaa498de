import type { NorFlash } from "../flash/nor-flash.ts";
import { type Fault, OFF_MS, type PowerCutFault } from "./fault.ts";

/** Arms the power cuts of a device, one after the other. */
export class PowerFaults {
  readonly #pending: PowerCutFault[];
  readonly #flash: NorFlash;
  #isArmed = false;

  constructor(faults: readonly Fault[], flash: NorFlash) {
    this.#pending = faults.filter((fault) => fault.type === "power-cut");
    this.#flash = flash;
  }

  /** Whether the next cut depends on the image's progress, so that {@link onProgress} must be called. */
  get watchesProgress(): boolean {
    return !this.#isArmed && this.#pending[0]?.at !== undefined;
  }

  /** Arms the next cut at power-on if it is placed by a count of operations. */
  onPowerOn(): void {
    const [next] = this.#pending;
    if (!this.#isArmed && next?.operation !== undefined) this.#arm(next, next.operation);
  }

  /** Arms the next cut if it is placed by progress. @param part - Fraction of the image in the slot, 0 to 1. */
  onProgress(part: number): void {
    const [next] = this.#pending;
    if (!this.#isArmed && next?.at !== undefined && part >= next.at) this.#arm(next, 1);
  }

  /** Records that the armed cut hit. @returns How long power stays off, in milliseconds. */
  onCut(): number {
    if (!this.#isArmed) return OFF_MS;
    this.#isArmed = false;
    return this.#pending.shift()?.offMs ?? OFF_MS;
  }

  #arm({ moment, variant, seed }: PowerCutFault, operation: number): void {
    this.#isArmed = true;
    this.#flash.cutPowerAt({ operation, moment, variant, seed });
  }
}
