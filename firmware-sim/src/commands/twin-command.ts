import type { CommandOutput } from "@tinybms/cli-kit/output";
import { decodeText, OtaError } from "@tinybms/ota-core";
import type { AgentKind } from "../agent/agent-receiver.ts";
import { judgeUpdate, type TwinInput, type TwinResult } from "../twin/twin.ts";
import type { IdfOptions } from "./idf-option.ts";
import { runWithProgress } from "./power-cut-progress.ts";
import { readInput } from "./run-inputs.ts";
import { summarizeTwin } from "./twin-summary.ts";

/** Options of `tinybms-sim twin`. */
export interface TwinOptions extends IdfOptions {
  readonly flash: string;
  readonly update: string;
  readonly version?: string;
  readonly efuse?: string;
  readonly points: "all" | number;
  readonly seed: number;
  readonly agent?: AgentKind | undefined;
  readonly jobs: number;
}

const EXIT_CODES: Readonly<Record<TwinResult["verdict"], number>> = { yes: 0, no: 1, "cannot-tell": 2 };

/**
 * Runs `tinybms-sim twin`: predicts whether a device survives a release.
 *
 * @returns Exit code: 0 for yes, 1 for no, 2 for `cannot-tell`, 130 if interrupted.
 * @throws {@link OtaError} for unreadable or invalid files.
 */
export async function twin(options: TwinOptions, output: CommandOutput): Promise<number> {
  const input = await readTwinInput(options);
  const ended = await runWithProgress(output, options.jobs, (run) => judgeUpdate(input, run));
  if (ended === undefined) return 130;
  const { result, durationMs } = ended;
  output.printJson({ ...result, durationMs });
  for (const line of summarizeTwin(result, durationMs, output)) output.print(line);
  return EXIT_CODES[result.verdict];
}

async function readTwinInput(options: TwinOptions): Promise<TwinInput> {
  const { flash, update, version, efuse, points, seed, agent, idf, bootloaderIdf, appRollback } = options;
  return {
    idf,
    bootloaderIdf,
    appRollback: appRollback && appRollback === "on",
    flash: { file: flash, content: await readInput(flash) },
    update: { file: update, content: await readInput(update) },
    version,
    efuse: efuse === undefined ? undefined : { file: efuse, content: await readText(efuse) },
    points,
    seed,
    agent,
  };
}

async function readText(file: string): Promise<string> {
  const text = decodeText(await readInput(file));
  if (text !== undefined) return text;
  throw new OtaError("simulation/efuse-invalid", `${file} is not text in UTF-8 or UTF-16; it must be JSON`, {
    file,
    path: "",
  });
}
