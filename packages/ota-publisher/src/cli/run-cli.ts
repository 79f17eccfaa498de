import { createRequire } from "node:module";
import { type CommandDefinition, runProgram } from "@tinybms/cli-kit";
import type { CommandWorld } from "@tinybms/cli-kit/output";

const COMMANDS: readonly CommandDefinition[] = [
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
export function runCli(argv: readonly string[], world: CommandWorld): Promise<number> {
  const program = {
    name: "tinybms-ota",
    description: "Packages ESP32 firmware and delivers it to devices.",
    version: String(createRequire(import.meta.url)("../../package.json").version),
    commands: COMMANDS,
  };
  return runProgram(program, argv, world);
}
