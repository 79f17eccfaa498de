import { OtaError } from "@tinybms/ota-core";
import { createRandom } from "../random/random.ts";
import type { CutPlan } from "./power-cut.ts";
import { singleBitTear } from "./single-bit-tears.ts";
import { ERASE_TEARS, numberedTear, PROGRAM_TEARS, type Tear } from "./tears.ts";

/**
 * Checks what can be checked before the operation that the cut will hit is known.
 *
 * @throws {@link OtaError} `simulation/invalid-fault` if the operation isn't 1 or more or no tear has the name.
 */
export function assertCutPlan(plan: CutPlan): void {
  const { operation, variant } = plan;
  const isNamed = variant === undefined || (tearNamed("erase", variant) ?? tearNamed("program", variant)) !== undefined;
  if (Number.isInteger(operation) && operation >= 1 && isNamed) return;
  throw invalid(plan, "operation must be 1 or more, and variant the name of a tear");
}

/**
 * Returns the tear that a plan names. Without a name, the seed picks one of the ten or twelve.
 *
 * @param kind - Operation that the cut hits.
 * @throws {@link OtaError} `simulation/invalid-fault` if no tear of this kind of operation has the name.
 */
export function chooseTear(kind: "erase" | "program", plan: CutPlan): Tear {
  const { variant, seed = 0 } = plan;
  const tears = tearsOf(kind);
  const position = createRandom(seed).integer(0, tears.length - 1);
  const tear = variant === undefined ? tears[position] : tearNamed(kind, variant);
  if (tear !== undefined) return tear;
  const operation = kind === "erase" ? "a sector erase" : "a page program";
  const families = kind === "erase" ? ["only-bit-N", "freed-P"] : ["all-but-bit-N", "skips-first-N"];
  const names = [...tears.map(({ name }) => name), ...families];
  throw invalid(plan, `the operation is ${operation}, whose tears are ${names.join(", ")}`);
}

function tearNamed(kind: "erase" | "program", variant: string): Tear | undefined {
  const named = tearsOf(kind).find(({ name }) => name === variant);
  return named ?? singleBitTear(kind, variant) ?? numberedTear(kind, variant);
}

function tearsOf(kind: "erase" | "program"): readonly Tear[] {
  return kind === "erase" ? ERASE_TEARS : PROGRAM_TEARS;
}

function invalid(plan: CutPlan, why: string): OtaError<"simulation/invalid-fault"> {
  const fault = JSON.stringify(plan);
  return new OtaError("simulation/invalid-fault", `power cut ${fault}: ${why}`, { fault });
}
