import type { DeclareCommand, RunStep } from "@tinybms/cli-kit";
import { addExamples, addOutputOptions, positiveInteger, repeatable } from "@tinybms/cli-kit";
import type { KeyRoleName } from "@tinybms/ota-core/signing";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { KeysCommandOptions, KeysInitOptions } from "../commands/keys.ts";
import type { KeysPublicOptions } from "../commands/keys-public.ts";
import { addPassphraseOptions, addSigningOptions } from "./signing-options.ts";

const ROLES: readonly KeyRoleName[] = ["root", "release", "offer"];

const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  init: [
    "tinybms-ota keys init --root team.pem.pub --sign-key team.pem",
    "# two root keys that must both sign, and a key of the build server",
    "tinybms-ota keys init --root a.pem.pub --root b.pem.pub --threshold root=2 --release ci.pem.pub --sign-key a.pem",
  ],
  public: ["tinybms-ota keys public team.pem"],
  add: ["tinybms-ota keys add ci.pem.pub --role release --sign-key team.pem"],
  revoke: ["tinybms-ota keys revoke ci.pem.pub --sign-key team.pem"],
  rotate: [
    "tinybms-ota keys rotate team.pem.pub new.pem.pub --sign-key team.pem --sign-key new.pem",
    "# after a theft",
    "tinybms-ota keys rotate team.pem.pub new.pem.pub --revoke --sign-key team.pem --sign-key new.pem",
  ],
  threshold: ["tinybms-ota keys threshold offer 2 --sign-key team.pem"],
  sign: ["tinybms-ota keys sign --sign-key b.pem"],
  show: ["tinybms-ota keys show"],
};

/** Declares `tinybms-ota keys` and its subcommands. */
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
  below(keys, "show", "show the current key set, the pending one and its missing signatures").action(
    run(async (options: KeysCommandOptions, output) => {
      const { runKeysShow } = await import("../commands/keys.ts");
      return runKeysShow(options, output);
    }),
  );
  for (const command of keys.commands) {
    addOutputOptions(command);
    addExamples(command, ...(EXAMPLES[command.name()] ?? []));
  }
};

function declareInit(keys: Command, run: RunStep): void {
  addSigningOptions(
    below(keys, "init", "create a product's first key set")
      .option("--product <name>", "product name (default: product.name of the manifest)")
      .option("--manifest <file>", "root manifest (default: manifest.json next to the folder of the key sets)")
      .addOption(repeatable("--root <pub>", "public key file of a root key (repeatable)").makeOptionMandatory())
      .addOption(repeatable("--release <pub>", "public key file of a release key (repeatable; default: the root keys)"))
      .addOption(repeatable("--offer <pub>", "public key file of an offer key (repeatable; default: the root keys)"))
      .addOption(
        new Option(
          "--threshold <role=count>",
          "number of signatures that a role needs (repeatable; default: 1)",
        ).argParser(thresholds),
      ),
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
    .description("write the public key of a private key to <file>.pub")
    .argument("<file>", "private key file")
    .allowExcessArguments(false);
  addPassphraseOptions(command.optionsGroup("Private key:")).action((file: string, options: KeysPublicOptions) =>
    run(async (given: KeysPublicOptions, output) => {
      const { runKeysPublic } = await import("../commands/keys-public.ts");
      return runKeysPublic(file, given, output);
    })(options),
  );
}

function declareAdd(keys: Command, run: RunStep): void {
  type Options = KeysCommandOptions & { readonly role: readonly KeyRoleName[] };
  addSigningOptions(below(keys, "add", "add a key to the key set"))
    .argument("<pub>", "public key file")
    .addOption(
      new Option("--role <role>", "role of the key: root, release or offer (repeatable)")
        .argParser(roles)
        .makeOptionMandatory(),
    )
    .action((file: string, options: Options) =>
      run(async (given: Options, output) => {
        const { runKeysAdd } = await import("../commands/keys.ts");
        return runKeysAdd(file, given, output);
      })(options),
    );
}

function declareRevoke(keys: Command, run: RunStep): void {
  addSigningOptions(below(keys, "revoke", "revoke a key permanently"))
    .argument("<key>", "key ID or public key file")
    .action((key: string, options: KeysCommandOptions) =>
      run(async (given: KeysCommandOptions, output) => {
        const { runKeysRevoke } = await import("../commands/keys.ts");
        return runKeysRevoke(key, given, output);
      })(options),
    );
}

function declareRotate(keys: Command, run: RunStep): void {
  type Options = KeysCommandOptions & { readonly revoke?: boolean };
  addSigningOptions(below(keys, "rotate", "replace a key with a new one"))
    .argument("<old>", "key ID or public key file of the old key")
    .argument("<pub>", "public key file of the new key")
    .option("--revoke", "also revoke the old key, because it may be stolen")
    .action((old: string, file: string, options: Options) =>
      run(async (given: Options, output) => {
        const { runKeysRotate } = await import("../commands/keys.ts");
        return runKeysRotate(old, file, given, output);
      })(options),
    );
}

function declareThreshold(keys: Command, run: RunStep): void {
  addSigningOptions(below(keys, "threshold", "set the number of signatures that a role needs"))
    .argument("<role>", "root, release or offer", (text: string) => roleOf(text))
    .argument("<count>", "number of signatures", positiveInteger)
    .action((role: KeyRoleName, count: number, options: KeysCommandOptions) =>
      run(async (given: KeysCommandOptions, output) => {
        const { runKeysThreshold } = await import("../commands/keys.ts");
        return runKeysThreshold(role, count, given, output);
      })(options),
    );
}

/** Declares a subcommand of `keys` with the option that all of them have. */
function below(keys: Command, name: string, description: string): Command {
  return keys
    .command(name)
    .description(description)
    .allowExcessArguments(false)
    .optionsGroup("Key set:")
    .option("--keys <folder>", "folder of the key sets", "ota/keys");
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
