import { addExamples, type DeclareCommand } from "@tinybms/cli-kit";
import type { PackageCommandOptions } from "../commands/package.ts";
import { MANIFEST_DEFAULT } from "./manifest-default.ts";
import { addSigningOptions } from "./signing-options.ts";

/** Declares `tinybms-ota package`. */
export const declarePackage: DeclareCommand = (command, run) => {
  command
    .optionsGroup("Build:")
    .requiredOption("--binary <file>", "app image that idf.py build wrote: build/<project>.bin")
    .option("--version <version>", "version of the release (default: the version in the app descriptor)")
    .option("--project <name>", "name of the artifact (default: product.name of the manifest)")
    .optionsGroup("Release:")
    .option("--manifest <file>", "root manifest", MANIFEST_DEFAULT)
    .option("--update-manifest", "add the version to the root manifest, or replace its entry")
    .option("--output <folder>", "folder in which to create <version>/ (default: versions/ next to the root manifest)")
    .option("--artifact-name <name>", "file name of the packaged image (default: <project>-<version>.bin)")
    .option("--label <text>", "label of the version in the root manifest")
    .option("--force", "replace a release of this version that has other bytes; devices may already run it")
    .option("--dry-run", "check everything and list the changes without writing them");
  addSigningOptions(command).action(
    run(async (options: PackageCommandOptions, output) => {
      const { runPackage } = await import("../commands/package.ts");
      return runPackage(options, output);
    }),
  );
  addExamples(
    command,
    "tinybms-ota package --binary build/app.bin --update-manifest",
    "tinybms-ota package --binary build/app.bin --update-manifest --sign-key release.pem",
  );
};
