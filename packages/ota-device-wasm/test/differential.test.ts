import fc from "fast-check";
import { test } from "vitest";
import { provisioned } from "../../ota-core/test/bench-trust.ts";
import { anyScript, runBoth } from "./differential-scripts.ts";

/** Scripts, by default 120 for each kind of device. */
const RUNS = Number(process.env.TINYBMS_DIFFERENTIAL_RUNS ?? 120);

test.for([
  ["with a key set", { chipId: 0, allowUnsigned: false, keySet: provisioned() }],
  ["without a key set", { chipId: 0, allowUnsigned: true }],
  ["with a window of two chunks", { chipId: 0, allowUnsigned: true, keySet: provisioned(), window: 2 }],
] as const)("both machines do the same %s", ([, options]) => {
  fc.assert(
    fc.property(anyScript, (script) => runBoth(script, options)),
    { numRuns: RUNS, ...(process.env.FC_SEED === undefined ? {} : { seed: Number(process.env.FC_SEED) }) },
  );
});
