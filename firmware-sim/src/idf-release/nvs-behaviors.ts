import type { BehaviorRow } from "./behavior-row.ts";

/** The name of a row of {@link NVS_BEHAVIORS}. */
export type NvsBehavior = "zeroesDiscardedEntries";

/** What differs between releases in NVS. */
export const NVS_BEHAVIORS: Readonly<Record<NvsBehavior, BehaviorRow>> = {
  zeroesDiscardedEntries: {
    call: "nvs_flash_init",
    since: ["6.0.1"],
    before: "marks entries that it discards as erased",
    after: "overwrites entries that it discards with zeros as well",
    judge: "vectors",
  },
};
