import { createRequire } from "node:module";
import { Command, CommanderError } from "commander";
import type { CommandConsole, CommandWorld, OutputOptions } from "../console/console.ts";
import { argumentFault } from "./argument-fault.ts";
import { declareDeploy } from "./declare-deploy.ts";
import { declareErase, declareFlash, declareMonitor, declareReadFlash } from "./declare-flash.ts";
import { declareInspect } from "./declare-inspect.ts";
import { declareKeygen } from "./declare-keygen.ts";
import { declareKeys } from "./declare-keys.ts";
import { declarePackage } from "./declare-package.ts";
import { declareProvision } from "./declare-provision.ts";
import { declareSign } from "./declare-sign.ts";
import { declareSmoke } from "./declare-smoke.ts";
import { declareValidate } from "./declare-validate.ts";
import { declareVerify } from "./declare-verify.ts";
import { declareWithdraw } from "./declare-withdraw.ts";

/**
 * Runs `tinybms-ota`.
 *
 * @param argv - The arguments after the command's name.
 * @returns The exit code: 0 done, 1 failed, 2 wrong arguments or input, 130 interrupted.
 */
export async function runCli(argv: readonly string[], world: CommandWorld): Promise<number> {
  let exitCode = 0;
  const program = buildProgram(world, (code) => {
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
    const unused = buildProgram(world, () => undefined);
    return tellError(await argumentFault(error, unused, argv), console);
  }
}

function buildProgram(world: CommandWorld, onEnd: (exitCode: number) => void): Command {
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
  const add = (name: string, description: string): Command => {
    const command = program.command(name).description(description).allowExcessArguments(false);
    return command
      .option("--json", "print one JSON document on standard output")
      .option("--verbose", "say more, with the origin of errors")
      .option("--quiet", "say only what is wrong");
  };
  const run = <Options extends OutputOptions>(
    step: (options: Options, console: CommandConsole) => Promise<number>,
  ): ((options: Options) => Promise<void>) => {
    return async (options) => onEnd(await step(options, await openConsole(world, options)));
  };
  declarePackage(add("package", "make a release of a build"), run);
  declareDeploy(add("deploy", "deliver a release to devices"), run);
  declareWithdraw(add("withdraw", "offer nothing in the place of a version"), run);
  declareValidate(add("validate", "check a release line and list every fault"), run);
  declareInspect(add("inspect", "say what a file is and what is wrong with it"), run);
  declareKeygen(add("keygen", "make a key pair"), run);
  declareKeys(add("keys", "make, change and sign the key set that devices trust"), run);
  declareSign(add("sign", "sign an app image, beside it"), run);
  declareVerify(add("verify", "verify the signature beside an app image"), run);
  declareProvision(add("provision", "tell devices who they are: make their NVS partitions"), run);
  declareFlash(add("flash", "flash boards at a cable, and see their app start"), run);
  declareReadFlash(add("read-flash", "read the flash of a board at a cable into a file"), run);
  declareErase(add("erase", "erase flash of a board at a cable"), run);
  declareMonitor(add("monitor", "show what a board at a cable prints"), run);
  declareSmoke(add("smoke", "try packaging and delivery without a network"), run);
  return program;
}

/** Imported when it is needed: what it needs in turn takes longer to load than `--help` takes as a whole. */
async function openConsole(world: CommandWorld, options: OutputOptions): Promise<CommandConsole> {
  const { CommandConsole } = await import("../console/console.ts");
  return new CommandConsole(world, options);
}
