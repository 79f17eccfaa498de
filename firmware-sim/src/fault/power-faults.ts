import type { NorFlash } from "../flash/nor-flash.ts";
import { type Fault, OFF_MS, type PowerCutFault } from "./fault.ts";

/** The power cuts that a device has before it, one after the other. */
export class PowerFaults {
  readonly #pending: PowerCutFault[];
  readonly #flash: NorFlash;
  #isArmed = false;

  constructor(faults: readonly Fault[], flash: NorFlash) {
    this.#pending = faults.filter((fault) => fault.type === "power-cut");
    this.#flash = flash;
  }

  /** A cut waits for a part of the image to be there: {@link onProgress} is to be called. */
  get watchesProgress(): boolean {
    return !this.#isArmed && this.#pending[0]?.at !== undefined;
  }

  /** Power is on: arms the next cut, if it is placed by a count of operations. */
  onPowerOn(): void {
    const [next] = this.#pending;
    if (!this.#isArmed && next?.operation !== undefined) this.#arm(next, next.operation);
  }

  /** So much of the image, 0 to 1, stands in the slot: arms the next cut, if it is placed by that. */
  onProgress(part: number): void {
    const [next] = this.#pending;
    if (!this.#isArmed && next?.at !== undefined && part >= next.at) this.#arm(next, 1);
  }

  /** The armed cut fell. @returns How long power stays off, in milliseconds. */
  onCut(): number {
    if (!this.#isArmed) return OFF_MS;
    this.#isArmed = false;
    return this.#pending.shift()?.offMs ?? OFF_MS;
  }

  #arm({ moment, variant, seed }: PowerCutFault, operation: number): void {
    this.#isArmed = true;
    this.#flash.cutPowerAt({
      operation,
      moment,
      ...(variant === undefined ? {} : { variant }),
      ...(seed === undefined ? {} : { seed }),
    });
  }
}
