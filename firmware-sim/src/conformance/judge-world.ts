import { isOtaError, OtaError, type ReceiverOptions } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import type { AgentReceiver } from "../agent/agent-receiver.ts";
import { copyHardware } from "../boot/boot-options.ts";
import { type Cut, seedOf, variantsOf } from "../power-cut/cut.ts";
import { NO_DAMAGE } from "../power-cut/cut-state.ts";
import type { Breach, Invariant } from "../power-cut/invariant.ts";
import { live } from "../power-cut/life.ts";
import { formatPoint, type SweepPoint } from "../power-cut/point-name.ts";
import { checkLife } from "../power-cut/recovery.ts";
import { replayPoint } from "../power-cut/replay.ts";
import { contains, createScenario, type ScenarioOptions, type SweepRun } from "../power-cut/scenario.ts";
import { createRandom, type Random } from "../random/random.ts";

/** A rule that a receiver broke in a world. */
export interface WorldViolation {
  /** Seed of the world. */
  readonly seed: number;
  /** What happened in the world: see `formatPoint`. */
  readonly point: string;
  /** `answer`: the program did not answer with actions. */
  readonly invariant: Invariant | "answer";
  readonly message: string;
}

/** An update in which power is cut. */
interface Update {
  readonly run: SweepRun;
  readonly options: ScenarioOptions;
  /** Its flash operations without a cut, once they are known. */
  candidates: readonly CutCandidate[] | undefined;
}

/** A flash operation of an update without a power cut. */
interface CutCandidate {
  readonly number: number;
  readonly variants: readonly string[];
  /** It is in the records of agent or bootloader. */
  readonly isRecord: boolean;
}

/** Sizes of images in bytes: five chunks, the last one not full, or four that are. */
const IMAGE_SIZES: readonly number[] = [5 * 4096 - 1008, 4 * 4096];

const RUNS: readonly SweepRun[] = ["update", "rollback"];

/** Maximum number of starts in a world. Two cuts with all their checks take about thirty. */
const STARTS_MAX = 100;

/** Tears that fit every operation, for cuts in a recovery, whose operations are not known before. */
const TEARS_OF_ANY: readonly string[] = ["untouched", "done"];

/** Judges a receiver in simulated worlds: an update of a device with power cuts that the seed of the world chooses. */
export class WorldJudge {
  readonly #updates: readonly Update[];
  #starts = 0;

  /** @param create - Creates the receiver. Called at each start of the device. */
  constructor(create: (options: ReceiverOptions) => AgentReceiver) {
    const agent = (options: ReceiverOptions): AgentReceiver => {
      this.#starts++;
      if (this.#starts > STARTS_MAX) {
        const message = `the device started more than ${STARTS_MAX} times`;
        throw new OtaError("simulation/no-answer", message, { command: "" });
      }
      return create(options);
    };
    this.#updates = IMAGE_SIZES.flatMap((sizeBytes) => {
      const from = { app: buildAppImage({ version: "1.0.0", sizeBytes, seed: 1 }) };
      const to = buildAppImage({ version: "2.0.0", sizeBytes, seed: 2 });
      return RUNS.map((run) => ({ run, options: { from, to, seed: 1, agent }, candidates: undefined }));
    });
  }

  /**
   * Runs the world of a seed: one or two power cuts, and then a publisher that offers the image until the update has ended.
   *
   * @returns What the receiver did wrong, checked as `power-cut` does.
   */
  judge(seed: number): readonly WorldViolation[] {
    this.#starts = 0;
    const random = createRandom(seed);
    const update = this.#updates[random.integer(0, this.#updates.length - 1)];
    if (update === undefined) return [];
    const uncut = update.candidates === undefined ? judgeUncut(update, seed) : [];
    const { candidates } = update;
    if (candidates === undefined) return uncut;
    const first = pickFirst(random, candidates);
    if (random.bool(0.7)) return judgeCuts(update, [first], seed);
    return judgeCuts(update, [first, pickSecond(random, candidates.length)], seed);
  }
}

/** Runs an update without a cut, and remembers its flash operations if it is right. */
function judgeUncut(update: Update, seed: number): readonly WorldViolation[] {
  const { run, options } = update;
  return judged(seed, { kind: "cuts", run, cuts: [] }, () => {
    const scenario = createScenario(options, run);
    const candidates: CutCandidate[] = [];
    const life = live(scenario, copyHardware(scenario.hardware), {
      seed: scenario.seed,
      onOperation: (operation, { device }) => {
        const variants = variantsOf(scenario, device.hardware.flash, operation);
        const isRecord = !contains(scenario.target, operation.offset);
        candidates.push({ number: candidates.length + 1, variants, isRecord });
      },
    });
    const breaches = checkLife(scenario, { ...NO_DAMAGE, attemptsCut: 0 }, life);
    if (breaches.length === 0) update.candidates = candidates;
    return breaches;
  });
}

function judgeCuts(update: Update, cuts: readonly Cut[], seed: number): readonly WorldViolation[] {
  const point = { kind: "cuts", run: update.run, cuts } as const;
  try {
    return judged(seed, point, () => replayPoint(update.options, point).breaches);
  } catch (error) {
    // The recovery had ended before its cut.
    if (isOtaError(error, "simulation/invalid-fault")) return judgeCuts(update, cuts.slice(0, 1), seed);
    throw error;
  }
}

function judged(seed: number, at: SweepPoint, run: () => readonly Breach[]): readonly WorldViolation[] {
  const point = formatPoint(at);
  try {
    const breaches = run().filter(({ limit }) => limit === undefined);
    return breaches.map(({ invariant, message }) => ({ seed, point, invariant, message }));
  } catch (error) {
    if (!isOtaError(error, "simulation/no-answer")) throw error;
    return [{ seed, point, invariant: "answer", message: error.message }];
  }
}

/** Picks a cut in the update. Half of them are in records, which are few among the operations. */
function pickFirst(random: Random, candidates: readonly CutCandidate[]): Cut {
  const records = candidates.filter(({ isRecord }) => isRecord);
  const from = records.length > 0 && random.bool() ? records : candidates;
  const { number, variants } = from[random.integer(0, from.length - 1)] ?? { number: 1, variants: TEARS_OF_ANY };
  const index = random.integer(0, variants.length - 1);
  return { operation: number, variant: variants[index] ?? "done", seed: seedOf(random.uint32(), number, index) };
}

/** Picks a cut in the recovery from the first. */
function pickSecond(random: Random, operations: number): Cut {
  const operation = random.integer(1, Math.max(1, Math.floor(operations / 4)));
  const index = random.integer(0, 1);
  return { operation, variant: TEARS_OF_ANY[index] ?? "done", seed: seedOf(random.uint32(), operation, index) };
}
