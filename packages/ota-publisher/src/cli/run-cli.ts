import { readFileSync } from "node:fs";
import { type CommandDefinition, runProgram } from "@tinybms/cli-kit";
import type { CommandWorld } from "@tinybms/cli-kit/output";

const RELEASE_COMMANDS = "Release commands:";
const KEY_COMMANDS = "Key and signature commands:";
const BOARD_COMMANDS = "Board commands:";

const COMMANDS: readonly CommandDefinition[] = [
  {
    name: "package",
    description: "package a build as a release",
    group: RELEASE_COMMANDS,
    load: async () => (await import("./declare-package.ts")).declarePackage,
  },
  {
    name: "deploy",
    description: "deliver a release to devices",
    group: RELEASE_COMMANDS,
    load: async () => (await import("./declare-deploy.ts")).declareDeploy,
  },
  {
    name: "withdraw",
    description: "withdraw a version that is offered to devices",
    group: RELEASE_COMMANDS,
    load: async () => (await import("./declare-withdraw.ts")).declareWithdraw,
  },
  {
    name: "rollout",
    description: "show, continue, pause or withdraw a rollout",
    group: RELEASE_COMMANDS,
    load: async () => (await import("./declare-rollout.ts")).declareRollout,
  },
  {
    name: "status",
    description: "show the state of every device",
    group: RELEASE_COMMANDS,
    load: async () => (await import("./declare-status.ts")).declareStatus,
  },
  {
    name: "broker-check",
    description: "check that a broker does what a delivery needs",
    group: RELEASE_COMMANDS,
    load: async () => (await import("./declare-broker-check.ts")).declareBrokerCheck,
  },
  {
    name: "validate",
    description: "check a release line and list every problem",
    group: RELEASE_COMMANDS,
    load: async () => (await import("./declare-validate.ts")).declareValidate,
  },
  {
    name: "inspect",
    description: "show what a firmware or flash file contains, and what is wrong with it",
    group: RELEASE_COMMANDS,
    load: async () => (await import("./declare-inspect.ts")).declareInspect,
  },
  {
    name: "smoke",
    description: "try packaging and delivery in a temporary folder, without a network",
    group: RELEASE_COMMANDS,
    load: async () => (await import("./declare-smoke.ts")).declareSmoke,
  },
  {
    name: "keygen",
    description: "create a key pair",
    group: KEY_COMMANDS,
    load: async () => (await import("./declare-keygen.ts")).declareKeygen,
  },
  {
    name: "keys",
    description: "create, change and sign the key set that devices trust",
    group: KEY_COMMANDS,
    load: async () => (await import("./declare-keys.ts")).declareKeys,
  },
  {
    name: "sign",
    description: "write a detached signature of an app image",
    group: KEY_COMMANDS,
    load: async () => (await import("./declare-sign.ts")).declareSign,
  },
  {
    name: "verify",
    description: "verify the signature of an app image",
    group: KEY_COMMANDS,
    load: async () => (await import("./declare-verify.ts")).declareVerify,
  },
  {
    name: "provision",
    description: "create NVS partitions that give devices their identity",
    group: BOARD_COMMANDS,
    load: async () => (await import("./declare-provision.ts")).declareProvision,
  },
  {
    name: "flash",
    description: "flash boards on serial ports and watch the app start",
    group: BOARD_COMMANDS,
    load: async () => (await import("./declare-flash.ts")).declareFlash,
  },
  {
    name: "read-flash",
    description: "read the flash of a board into a file",
    group: BOARD_COMMANDS,
    load: async () => (await import("./declare-flash.ts")).declareReadFlash,
  },
  {
    name: "erase",
    description: "erase flash of a board",
    group: BOARD_COMMANDS,
    load: async () => (await import("./declare-flash.ts")).declareErase,
  },
  {
    name: "monitor",
    description: "show what a board prints",
    group: BOARD_COMMANDS,
    load: async () => (await import("./declare-flash.ts")).declareMonitor,
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
    version: versionOf(new URL("../../package.json", import.meta.url)),
    commands: COMMANDS,
  };
  return runProgram(program, argv, world);
}

function versionOf(packageFile: URL): string {
  return String(JSON.parse(readFileSync(packageFile, "utf8")).version);
}
