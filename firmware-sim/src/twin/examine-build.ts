import { isOtaError } from "@tinybms/ota-core";
import type { AgentKind } from "../agent/agent-receiver.ts";
import { copyHardware } from "../boot/boot-options.ts";
import { runBootloader } from "../boot/bootloader.ts";
import { verifyImage } from "../boot/verify-image.ts";
import { appOptionsOf } from "../device/app-options.ts";
import { EspErr } from "../esp-err/esp-err.ts";
import { createAppContext } from "../esp-idf/app-context.ts";
import { esp_image_verify } from "../esp-idf/esp-image.ts";
import type { SweepViolation } from "../power-cut/invariant.ts";
import { createScenario, type Scenario, type ScenarioOptions, type SweepRun } from "../power-cut/scenario.ts";
import { powerCutSweep, type SweepResult } from "../power-cut/sweep.ts";
import { powerCutSweepOnThreads, type ThreadOptions } from "../power-cut/sweep-threads.ts";
import type { Build } from "./builds.ts";
import type { TwinReason } from "./reason.ts";
import type { Release } from "./twin-release.ts";

/** Result of simulating the update with one build. */
export interface Examination {
  readonly build: Build;
  /** `starts-not`: with this build the board would not start. Since it does start, it has another build. */
  readonly verdict: "yes" | "no" | "starts-not";
  readonly reasons: readonly TwinReason[];
  /** Result of the power cuts; `undefined` if none were made. */
  readonly result: SweepResult | undefined;
}

/** Options of {@link examineBuild}. */
export interface ExaminationOptions {
  readonly seed: number;
  /** Implementation of the device's receiver; by default `ts`. */
  readonly agent?: AgentKind | undefined;
  /** Number of power cuts in each run; `undefined` makes all of them. */
  readonly points: number | undefined;
  /** Threads of the sweep; 0 threads run it in the calling thread. */
  readonly sweep: ThreadOptions;
}

/** The update, and the rollback of an image that fails its self-test. */
export const EXAMINED_RUNS: readonly SweepRun[] = ["update", "rollback"];

/** Maximum number of violations in a message. */
const NAMED_MAX = 3;

/**
 * Updates a simulated copy of the board, and cuts its power.
 *
 * @throws The signal's reason if it is aborted.
 */
export async function examineBuild(
  contents: ScenarioOptions["from"],
  release: Release,
  build: Build,
  options: ExaminationOptions,
): Promise<Examination> {
  const { bootloaderOptions, appBuild = {}, signatureScheme, efuse } = build;
  const scenarioOptions: ScenarioOptions = {
    from: { ...contents, efuse },
    to: release.bytes,
    version: release.version,
    seed: options.seed,
    agent: options.agent,
    bootloaderOptions,
    appBuild,
    signatureScheme,
  };
  const end = (verdict: Examination["verdict"], reasons: readonly TwinReason[], result?: SweepResult) => {
    return { build, verdict, reasons, result };
  };
  let scenario: Scenario;
  try {
    scenario = createScenario(scenarioOptions, "update");
  } catch (error) {
    if (!isOtaError(error, "simulation/update-refused")) throw error;
    const { message } = error;
    if (error.details.state === "no-slot") return end("no", [{ code: "offer/no-slot", message }]);
    return end("starts-not", [{ code: "image/not-bootable", message }]);
  }
  if (scenario.oldSha256 === scenario.newSha256) {
    const message = "the board already runs this image; nothing would be installed";
    return end("yes", [{ code: "simulation/already-installed", message }]);
  }
  const against = targetReasons(scenario, release) ?? verificationReasons(scenario, release, build);
  if (against !== undefined) return end("no", [against]);
  let result: SweepResult;
  try {
    const { points, sweep } = options;
    const sweepOptions = { ...scenarioOptions, runs: EXAMINED_RUNS, points };
    result = sweep.threads === 0 ? powerCutSweep(sweepOptions) : await powerCutSweepOnThreads(sweepOptions, sweep);
  } catch (error) {
    if (!isOtaError(error, "simulation/update-refused")) throw error;
    return end("no", [{ code: error.code, message: error.message }]);
  }
  const reasons = violationReasons(result);
  return end(reasons.length === 0 ? "yes" : "no", reasons, result);
}

function targetReasons({ target }: Scenario, { bytes }: Release): TwinReason | undefined {
  if (bytes.length <= target.size) return undefined;
  const message = `the image has ${bytes.length} bytes, and the slot ${target.label} holds ${target.size}`;
  return { code: "offer/too-large", message };
}

/** Verifies the image in its slot as ESP-IDF does. @returns The reason why ESP-IDF rejects it, if it does. */
function verificationReasons(scenario: Scenario, release: Release, build: Build): TwinReason | undefined {
  const { bootloaderOptions, target } = scenario;
  const hardware = copyHardware(scenario.hardware);
  const outcome = runBootloader(hardware, bootloaderOptions);
  if (outcome.kind !== "boots") return undefined;
  hardware.flash.load(target.offset, release.bytes);
  const app = createAppContext(hardware, outcome, appOptionsOf(bootloaderOptions, build.appBuild));
  const { antiRollback, idf } = app.options;
  const range = { offset: target.offset, sizeBytes: target.size };
  const unsigned = verifyImage(hardware.flash, range, hardware.chip, hardware.efuse, {
    environment: "app",
    behaviors: idf.behaviors,
    antiRollback,
  });
  if (unsigned.kind === "invalid") {
    return { code: "delivery/image-rejected", message: `ESP-IDF rejects the image: ${unsigned.reason}` };
  }
  const partition = app.partitions.find(({ address }) => address === target.offset);
  if (partition === undefined || esp_image_verify(app, partition) === EspErr.ESP_OK) return undefined;
  if (release.signature === null) {
    return { code: "image/unsigned", message: "the image has no signature, and the board requires one" };
  }
  const message = `the image has no valid ${build.signatureScheme} signature by a key that the board trusts`;
  return { code: "image/signature-invalid", message };
}

function violationReasons({ violations, violationCount, points }: SweepResult): readonly TwinReason[] {
  if (violationCount === 0) return [];
  const uncut = violations.find(({ point }) => point.endsWith(":uncut"));
  if (uncut !== undefined) {
    const what = uncut.point.startsWith("rollback")
      ? "an image that fails its self-test would not be rolled back"
      : "the update does not end";
    const message = `${what}, even without a power cut: ${uncut.message}`;
    return [{ code: "simulation/update-refused", message }];
  }
  const names = (found: readonly SweepViolation[]) =>
    found.map(({ invariant, point, message }) => `${invariant} at ${point}: ${message}`);
  const some = names(violations.slice(0, NAMED_MAX)).join("; ");
  const message = `${violationCount} of ${points} power cuts violated an invariant: ${some}`;
  return [{ code: "simulation/update-unsafe", message }];
}
