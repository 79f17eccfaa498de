import { createRequire } from "node:module";
import { Command, CommanderError } from "commander";
import type { CommandConsole, CommandWorld, OutputOptions } from "../console/console.ts";
import { argumentFault } from "./argument-fault.ts";
import type { Declare, RunStep } from "./declare.ts";

/** What a command is called and does, and where its options are declared. */
interface CommandEntry {
  readonly name: string;
  readonly description: string;
  readonly load: () => Promise<Declare>;
}

const COMMANDS: readonly CommandEntry[] = [
  {
    name: "package",
    description: "make a release of a build",
    load: async () => (await import("./declare-package.ts")).declarePackage,
  },
  {
    name: "deploy",
    description: "deliver a release to devices",
    load: async () => (await import("./declare-deploy.ts")).declareDeploy,
  },
  {
    name: "withdraw",
    description: "offer nothing in the place of a version",
    load: async () => (await import("./declare-withdraw.ts")).declareWithdraw,
  },
  {
    name: "validate",
    description: "check a release line and list every fault",
    load: async () => (await import("./declare-validate.ts")).declareValidate,
  },
  {
    name: "inspect",
    description: "say what a file is and what is wrong with it",
    load: async () => (await import("./declare-inspect.ts")).declareInspect,
  },
  {
    name: "keygen",
    description: "make a key pair",
    load: async () => (await import("./declare-keygen.ts")).declareKeygen,
  },
  {
    name: "keys",
    description: "make, change and sign the key set that devices trust",
    load: async () => (await import("./declare-keys.ts")).declareKeys,
  },
  {
    name: "sign",
    description: "sign an app image, beside it",
    load: async () => (await import("./declare-sign.ts")).declareSign,
  },
  {
    name: "verify",
    description: "verify the signature beside an app image",
    load: async () => (await import("./declare-verify.ts")).declareVerify,
  },
  {
    name: "provision",
    description: "tell devices who they are: make their NVS partitions",
    load: async () => (await import("./declare-provision.ts")).declareProvision,
  },
  {
    name: "flash",
    description: "flash boards at a cable, and see their app start",
    load: async () => (await import("./declare-flash.ts")).declareFlash,
  },
  {
    name: "read-flash",
    description: "read the flash of a board at a cable into a file",
    load: async () => (await import("./declare-flash.ts")).declareReadFlash,
  },
  {
    name: "erase",
    description: "erase flash of a board at a cable",
    load: async () => (await import("./declare-flash.ts")).declareErase,
  },
  {
    name: "monitor",
    description: "show what a board at a cable prints",
    load: async () => (await import("./declare-flash.ts")).declareMonitor,
  },
  {
    name: "smoke",
    description: "try packaging and delivery without a network",
    load: async () => (await import("./declare-smoke.ts")).declareSmoke,
  },
];

/**
 * Runs `tinybms-ota`.
 *
 * @param argv - The arguments after the command's name.
 * @returns The exit code: 0 done, 1 failed, 2 wrong arguments or input, 130 interrupted.
 */
export async function runCli(argv: readonly string[], world: CommandWorld): Promise<number> {
  let exitCode = 0;
  const program = await buildProgram(argv, world, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const json = argv.includes("--json");
    const console = await openConsole(world, { json, verbose: argv.includes("--verbose") });
    const { tellError } = await import("./tell-error.ts");
    const unused = await buildProgram(argv, world, () => undefined);
    return tellError(await argumentFault(error, unused, argv), console);
  }
}

/**
 * Builds the program with all commands, and the options of those that the arguments name: declaring the options of every
 * command takes longer than most commands run.
 */
async function buildProgram(
  argv: readonly string[],
  world: CommandWorld,
  onEnd: (exitCode: number) => void,
): Promise<Command> {
  const program = new Command("tinybms-ota")
    .description("Packages ESP32 firmware and delivers it to devices.")
    .version(String(createRequire(import.meta.url)("../../package.json").version), "--version", "print the version")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.stdout.write(text),
      // Faults are told by runCli, in the form that all errors have.
      writeErr: () => undefined,
    });
  const run: RunStep = (step) => async (options) => onEnd(await step(options, await openConsole(world, options)));
  for (const { name, description, load } of COMMANDS) {
    const command = program.command(name).description(description).allowExcessArguments(false);
    command
      .option("--json", "print one JSON document on standard output")
      .option("--verbose", "say more, with the origin of errors")
      .option("--quiet", "say only what is wrong");
    if (argv.includes(name)) (await load())(command, run);
  }
  return program;
}

/** Imported when it is needed: what it needs in turn takes longer to load than `--help` takes as a whole. */
async function openConsole(world: CommandWorld, options: OutputOptions): Promise<CommandConsole> {
  const { CommandConsole } = await import("../console/console.ts");
  return new CommandConsole(world, options);
}
