import type { DeclareCommand } from "@tinybms/cli-kit";
import type { PackageCommandOptions } from "../commands/package.ts";
import { MANIFEST_DEFAULT } from "./manifest-default.ts";
import { addSigningOptions } from "./signing-options.ts";

/** `tinybms-ota package`. */
export const declarePackage: DeclareCommand = (command, run) => {
  addSigningOptions(command)
    .requiredOption("--binary <file>", "the app image that idf.py build wrote: build/<project>.bin")
    .option("--manifest <file>", "the root manifest", MANIFEST_DEFAULT)
    .option("--version <version>", "the version; without it that of the image's app descriptor")
    .option("--project <name>", "name of the artifact; without it product.name of the manifest")
    .option("--output <folder>", "folder that gets <version>/; without it versions/ beside the manifest")
    .option("--artifact-name <name>", "file name of the copy; without it <project>-<version>.bin")
    .option("--label <text>", "label of the manifest's entry")
    .option("--update-manifest", "add the version to the root manifest, or replace its entry")
    .option("--force", "replace a release of this version that has other bytes; devices may run it already")
    .option("--dry-run", "check everything, write nothing, and show what would be written")
    .action(
      run(async (options: PackageCommandOptions, output) => {
        const { runPackage } = await import("../commands/package.ts");
        return runPackage(options, output);
      }),
    );
};
