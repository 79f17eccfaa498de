import { OtaError } from "@tinybms/ota-core";
import { createRandom } from "../simulation/random.ts";
import type { CutPlan } from "./power-cut.ts";
import { ERASE_TEARS, PROGRAM_TEARS, type Tear } from "./tears.ts";

/**
 * Checks a plan as far as it can be before it is known what operation it hits.
 *
 * @throws {@link OtaError} `simulation/invalid-fault` if the operation isn't 1 or more or no tear has the name.
 */
export function assertCutPlan(plan: CutPlan): void {
  const isNamed = [...ERASE_TEARS, ...PROGRAM_TEARS].some((tear) => tear.name === plan.variant);
  if (Number.isInteger(plan.operation) && plan.operation >= 1 && (plan.variant === undefined || isNamed)) return;
  throw invalid(plan, "operation must be 1 or more, and variant the name of a tear");
}

/**
 * The tear that a plan names, or the one that its seed picks.
 *
 * @param tears - Those of the operation that the cut hits.
 * @throws {@link OtaError} `simulation/invalid-fault` if the name is of the other kind of operation.
 */
export function chooseTear(tears: readonly Tear[], plan: CutPlan): Tear {
  const { variant, seed = 0 } = plan;
  const position = createRandom(seed).integer(0, tears.length - 1);
  const tear = variant === undefined ? tears[position] : tears.find(({ name }) => name === variant);
  if (tear !== undefined) return tear;
  const kind = tears === ERASE_TEARS ? "a sector erase" : "a page program";
  throw invalid(plan, `it falls into ${kind}, whose tears are ${tears.map(({ name }) => name).join(", ")}`);
}

function invalid(plan: CutPlan, why: string): OtaError<"simulation/invalid-fault"> {
  const fault = JSON.stringify(plan);
  return new OtaError("simulation/invalid-fault", `power cut ${fault}: ${why}`, { fault });
}
