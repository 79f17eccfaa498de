import { createRequire } from "node:module";
import { CHIPS, isOtaError, OtaError } from "@tinybms/ota-core";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { type CommandIo, CommandOutput, type OutputOptions } from "./commands/command-output.ts";
import { declareFlash } from "./commands/flash-options.ts";
import { declareIdf } from "./commands/idf-option.ts";
import { argumentFault } from "./commands/misspelled-option.ts";
import { partitionTableOffset } from "./commands/partition-table-offset.ts";
import { declarePowerCut } from "./commands/power-cut-options.ts";
import type { RunOptions } from "./commands/run.ts";
import { declareTwin } from "./commands/twin-options.ts";
import { FAULT_GRAMMAR } from "./fault/parse-fault.ts";
import { RESET_CIRCUITS } from "./rom/reset-circuit.ts";

/** Groups of errors that the arguments or an input file are to blame for. */
const INPUT_GROUPS: readonly string[] = [
  "arguments",
  "image",
  "nvs",
  "package",
  "provisioning",
  "signing",
  "simulation",
];

const DEVICES_MAX = 10_000;

/**
 * Runs `tinybms-sim`.
 *
 * @param argv - The arguments after the command's name.
 * @returns The exit code: 0 done, 1 failed or out of time, 2 wrong arguments or input, 130 interrupted.
 */
export async function runSimCli(argv: readonly string[], io: CommandIo): Promise<number> {
  let exitCode = 0;
  const program = buildProgram(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const output = new CommandOutput(io, { json: argv.includes("--json"), verbose: argv.includes("--verbose") });
    const unused = buildProgram(io, () => undefined);
    return fail(await argumentFault(error, unused, argv), output);
  }
}

function buildProgram(io: CommandIo, onEnd: (exitCode: number) => void): Command {
  const program = new Command("tinybms-sim")
    .description("Runs simulated ESP32s that boot, update and roll back as ESP-IDF does.")
    .version(String(createRequire(import.meta.url)("../package.json").version), "--version", "print the version")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      // Faults are told by runSimCli, in the form that all errors have.
      writeErr: () => undefined,
    });
  addRun(program.command("run"), async (options) => {
    const { run } = await import("./commands/run.ts");
    onEnd(await run(options, new CommandOutput(io, options)));
  });
  declarePowerCut(program.command("power-cut"), async (options) => {
    const { powerCut } = await import("./commands/power-cut.ts");
    onEnd(await powerCut(options, new CommandOutput(io, options)));
  });
  declareTwin(program.command("twin"), async (options) => {
    const { twin } = await import("./commands/twin.ts");
    onEnd(await twin(options, new CommandOutput(io, options)));
  });
  declareFlash(program.command("flash"), async (options) => {
    const { flash } = await import("./commands/flash.ts");
    onEnd(await flash(options, new CommandOutput(io, options)));
  });
  return program;
}

function addRun(command: Command, action: (options: RunOptions & OutputOptions) => Promise<void>): void {
  command
    .description("run devices on a broker")
    .allowExcessArguments(false)
    .option("--broker <url>", "mqtt://HOST:PORT, or embedded, or embedded://HOST:PORT, to start one here")
    .option("--allow-insecure", "let a password go unencrypted to another machine")
    .option("--topic <topic>", "the channel's topic (default: tinybms/gateway/ota)")
    .option("--devices <count>", "how many devices (default: 1)", count)
    .option("--id <prefix>", "their names: PREFIX-1, PREFIX-2 … (default: bench)")
    .option("--product <name>", "product.name of the manifest (default: TinyBMS Web Gateway)")
    .option("--app <file>", "the app image that they run at first; a made-up one without it")
    .addOption(
      new Option("--chip <name>", "the chip; that of the app without it").choices(CHIPS.map(({ name }) => name)),
    )
    .option("--partition-table <file>", "the table, as CSV or binary; two OTA slots without it")
    .option("--partition-table-offset <offset>", "where the table lies, if not at 0x8000", partitionTableOffset)
    .option("--bootloader <file>", "the second-stage bootloader")
    .option(
      "--nvs <file...>",
      "NVS partitions of tinybms-ota provision, a device each: names, broker and keys are theirs",
    )
    .option(
      "--key-set <file>",
      "the key set that the devices are provisioned with; without it they take unsigned offers",
    )
    .option("--flash <file>", "keep the one device's flash here; where the file exists, the device is what it holds")
    .option("--serial <place>", "the one device's serial port, for flashers: tcp:HOST:PORT or rfc2217:HOST:PORT")
    .addOption(
      new Option(
        "--reset-circuit <kind>",
        "how DTR and RTS of that port reach the chip; transistors without it",
      ).choices(RESET_CIRCUITS),
    )
    .addOption(
      new Option("--fault <fault>", "what goes wrong: inline, or a JSON file; may be given again").argParser(
        (value: string, previous: readonly string[] = []) => [...previous, value],
      ),
    )
    .addOption(new Option("--until <state>", "end when every device has ended an offer").choices(["settled"]))
    .option("--timeout <seconds>", "end after so long", seconds)
    .option("--json", "print one JSON document on standard output when it ends")
    .option("--verbose", "say more: one JSON line per event on standard error")
    .option("--quiet", "say only what is wrong, and the result")
    .addHelpText("after", `\nA fault is ${FAULT_GRAMMAR}`)
    .action(action);
  declareIdf(command);
}

/** Tells an error, as text or as JSON. */
function fail(thrown: unknown, output: CommandOutput): number {
  const error = thrown instanceof CommanderError ? argumentError(thrown) : thrown;
  if (!isOtaError(error)) {
    output.failUnexpectedly(error);
    return 1;
  }
  output.printJson({ error });
  output.fail(error);
  return INPUT_GROUPS.includes(error.code.slice(0, error.code.indexOf("/"))) ? 2 : 1;
}

/** commander's message without what stands around it: `error: `, and a suggestion in parentheses on its own line. */
function argumentError({ code, message }: CommanderError): OtaError<"arguments/invalid"> {
  // commander answers a missing command with its help, which nobody asked for.
  if (code === "commander.help") {
    return new OtaError("arguments/invalid", "no command is given", {}, { hint: "--help lists the commands" });
  }
  const [first = "", suggestion = ""] = message.replace(/^error: /, "").split("\n");
  const option = /--[a-z][a-z-]*/.exec(first)?.[0];
  const hint = suggestion === "" ? "--help lists commands and options" : suggestion.replace(/^\((.*)\)$/, "$1");
  return new OtaError("arguments/invalid", first, option === undefined ? {} : { option }, { hint });
}

function count(text: string): number {
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && value >= 1 && value <= DEVICES_MAX) return value;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${DEVICES_MAX}.`);
}

function seconds(text: string): number {
  const value = Number(text);
  if (/^[0-9]+(?:\.[0-9]+)?$/.test(text) && value > 0 && value <= 1_000_000) return value;
  throw new InvalidArgumentError("It must be a number above 0, up to 1000000.");
}
