import type { NvsBehaviors } from "./nvs-engine-behaviors.ts";
import type { NvsObserver } from "./nvs-observer.ts";

/** How NVS runs over a partition. */
export interface NvsOptions {
  /**
   * Behaviors of the release of ESP-IDF.
   * @defaultValue The behaviors of ESP-IDF 6.2-dev.
   */
  readonly behaviors?: NvsBehaviors | undefined;
  /** Receives what recovery finds when the partition is opened. */
  readonly observer?: NvsObserver | undefined;
  /**
   * Ends the software where ESP-IDF loops forever or aborts. Releases that don't check an entry's fields loop at an
   * entry of span 0 whose CRC is right.
   *
   * @defaultValue Throws a `RangeError`.
   */
  readonly abort?: ((where: string, why: string) => never) | undefined;
}
