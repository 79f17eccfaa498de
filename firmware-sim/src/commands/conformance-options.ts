import { addExamples, type DeclareCommand, repeatable, wholeNumber } from "@tinybms/cli-kit";
import type { ConformanceOptions } from "./conformance-command.ts";

/** Declares `conformance`. */
export const declareConformance: DeclareCommand = (command, run) => {
  command
    .requiredOption("--exec <command>", "receiver to judge: reads an event per line and answers with its actions")
    .option("--vectors <folder>", "folder of the vectors", "vectors/v1")
    .addOption(repeatable("--only <name>", "run only this vector (repeatable)"))
    .option("--worlds <count>", "number of simulated worlds with power cuts to run after the vectors", wholeNumber, 0)
    .option("--seed <number>", "seed of the first world; each further world has the next", wholeNumber, 1)
    .action(
      run(async (options: ConformanceOptions, output) => {
        const { conformance } = await import("./conformance-command.ts");
        return conformance(options, output);
      }),
    );
  addExamples(
    command,
    'tinybms-sim conformance --exec "python3 receiver.py"',
    'tinybms-sim conformance --exec "python3 receiver.py" --only delivery --worlds 100',
  );
};
