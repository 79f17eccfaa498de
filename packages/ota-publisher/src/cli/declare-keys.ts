import type { DeclareCommand, RunStep } from "@tinybms/cli-kit";
import { positiveInteger, repeatable } from "@tinybms/cli-kit";
import type { KeyRoleName } from "@tinybms/ota-core/signing";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { KeysCommandOptions, KeysInitOptions } from "../commands/keys.ts";
import type { KeysPublicOptions } from "../commands/keys-public.ts";
import { addPassphraseOptions, addSigningOptions } from "./signing-options.ts";

const ROLES: readonly KeyRoleName[] = ["root", "release", "offer"];

/** `tinybms-ota keys` and what it can do. */
export const declareKeys: DeclareCommand = (keys, run) => {
  keys.enablePositionalOptions();
  declareInit(keys, run);
  declarePublic(keys, run);
  declareAdd(keys, run);
  declareRevoke(keys, run);
  declareRotate(keys, run);
  declareThreshold(keys, run);
  addSigningOptions(below(keys, "sign", "sign the pending key set")).action(
    run(async (options: KeysCommandOptions, output) => {
      const { runKeysSign } = await import("../commands/keys.ts");
      return runKeysSign(options, output);
    }),
  );
  below(keys, "show", "show the current key set, and the pending one with who must sign it").action(
    run(async (options: KeysCommandOptions, output) => {
      const { runKeysShow } = await import("../commands/keys.ts");
      return runKeysShow(options, output);
    }),
  );
};

function declareInit(keys: Command, run: RunStep): void {
  addSigningOptions(
    below(keys, "init", "make a product's first key set")
      .option("--product <name>", "name of the product; without it that of the manifest")
      .option("--manifest <file>", "the root manifest; without it manifest.json beside the folder of key sets")
      .addOption(repeatable("--root <pub>", "a root key; repeat it for more").makeOptionMandatory())
      .addOption(repeatable("--release <pub>", "a release key; without any the root keys are release keys too"))
      .addOption(repeatable("--offer <pub>", "an offer key; without any the root keys are offer keys too"))
      .addOption(new Option("--threshold <role=count>", "how many keys of a role must sign; 1").argParser(thresholds)),
  ).action(
    run(async (options: KeysInitOptions, output) => {
      const { runKeysInit } = await import("../commands/keys.ts");
      return runKeysInit(options, output);
    }),
  );
}

function declarePublic(keys: Command, run: RunStep): void {
  const command = keys
    .command("public")
    .description("write the public key of a private key again, to <file>.pub")
    .argument("<file>", "file of the private key")
    .allowExcessArguments(false);
  addPassphraseOptions(addOutputOptions(command)).action((file: string, options: KeysPublicOptions) =>
    run(async (given: KeysPublicOptions, output) => {
      const { runKeysPublic } = await import("../commands/keys-public.ts");
      return runKeysPublic(file, given, output);
    })(options),
  );
}

function declareAdd(keys: Command, run: RunStep): void {
  type Options = KeysCommandOptions & { readonly role: readonly KeyRoleName[] };
  addSigningOptions(below(keys, "add", "trust a key"))
    .argument("<pub>", "file of the public key")
    .addOption(
      new Option("--role <role>", "root, release or offer; repeat it for more").argParser(roles).makeOptionMandatory(),
    )
    .action((file: string, options: Options) =>
      run(async (given: Options, output) => {
        const { runKeysAdd } = await import("../commands/keys.ts");
        return runKeysAdd(file, given, output);
      })(options),
    );
}

function declareRevoke(keys: Command, run: RunStep): void {
  addSigningOptions(below(keys, "revoke", "trust a key for nothing any more, for good"))
    .argument("<key>", "id of the key, or file of the public key")
    .action((key: string, options: KeysCommandOptions) =>
      run(async (given: KeysCommandOptions, output) => {
        const { runKeysRevoke } = await import("../commands/keys.ts");
        return runKeysRevoke(key, given, output);
      })(options),
    );
}

function declareRotate(keys: Command, run: RunStep): void {
  type Options = KeysCommandOptions & { readonly revoke?: boolean };
  addSigningOptions(below(keys, "rotate", "put a new key in an old one's place"))
    .argument("<old>", "id of the old key, or file of its public key")
    .argument("<pub>", "file of the new public key")
    .option("--revoke", "revoke the old key too: somebody else may have it")
    .action((old: string, file: string, options: Options) =>
      run(async (given: Options, output) => {
        const { runKeysRotate } = await import("../commands/keys.ts");
        return runKeysRotate(old, file, given, output);
      })(options),
    );
}

function declareThreshold(keys: Command, run: RunStep): void {
  addSigningOptions(below(keys, "threshold", "set how many keys of a role must sign"))
    .argument("<role>", "root, release or offer", (text: string) => roleOf(text))
    .argument("<count>", "how many", positiveInteger)
    .action((role: KeyRoleName, count: number, options: KeysCommandOptions) =>
      run(async (given: KeysCommandOptions, output) => {
        const { runKeysThreshold } = await import("../commands/keys.ts");
        return runKeysThreshold(role, count, given, output);
      })(options),
    );
}

/** A command below `keys`, with what all of them have. */
function below(keys: Command, name: string, description: string): Command {
  const command = keys
    .command(name)
    .description(description)
    .allowExcessArguments(false)
    .option("--keys <folder>", "folder of the key sets", "ota/keys");
  return addOutputOptions(command);
}

function addOutputOptions(command: Command): Command {
  return command
    .option("--json", "print one JSON document on standard output")
    .option("--verbose", "say more, with the origin of errors")
    .option("--quiet", "say only what is wrong");
}

function roleOf(text: string): KeyRoleName {
  const role = ROLES.find((name) => name === text);
  if (role !== undefined) return role;
  throw new InvalidArgumentError(`Allowed choices are ${ROLES.join(", ")}.`);
}

function roles(text: string, previous: readonly KeyRoleName[] = []): readonly KeyRoleName[] {
  return [...previous, roleOf(text)];
}

function thresholds(
  text: string,
  previous: readonly (readonly [KeyRoleName, number])[] = [],
): readonly (readonly [KeyRoleName, number])[] {
  const [role = "", count = ""] = text.split("=", 2);
  return [...previous, [roleOf(role), positiveInteger(count)]];
}
