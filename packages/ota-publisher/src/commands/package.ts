import { type PackageOptions, type PackageResult, packageRelease } from "@tinybms/ota-core/node";
import { type CommandConsole, type OutputOptions, printable } from "./console.ts";
import { ExitCode } from "./exit-code.ts";

/** Options of `tinybms-ota package`, as commander reads them. */
export interface PackageCommandOptions extends OutputOptions, Omit<PackageOptions, "now" | "signal"> {}

/**
 * Makes a release of a build.
 *
 * @returns The exit code.
 * @throws OtaError as `packageRelease`.
 */
export async function runPackage(options: PackageCommandOptions, console: CommandConsole): Promise<number> {
  const { json: _json, verbose: _verbose, quiet: _quiet, ...release } = options;
  const result = await packageRelease({ ...release, signal: console.world.signal });
  for (const warning of result.warnings) console.warn(printable(warning));
  console.printJson(documentOf(result));
  if (!console.quiet) for (const line of describe(result)) console.print(line);
  return ExitCode.done;
}

function documentOf({
  version,
  dryRun,
  manifest,
  versionManifest,
  manifestUpdated,
  artifacts,
  warnings,
}: PackageResult) {
  return { version, dryRun, manifest, versionManifest, manifestUpdated, artifacts, warnings };
}

function describe({ version, dryRun, artifacts, written }: PackageResult): string[] {
  const lines: string[] = [];
  for (const { name, size, sha256, image } of artifacts) {
    lines.push(`${printable(name)} ${version}`);
    if (image !== null) {
      lines.push(
        `  chip            ${image.chip}`,
        `  project         ${printable(image.projectName)}`,
        `  app version     ${printable(image.appVersion)}`,
        `  ESP-IDF         ${printable(image.idfVersion)}`,
        `  secure version  ${image.secureVersion}`,
      );
    }
    lines.push(`  size            ${size} bytes`, `  SHA-256         ${sha256}`);
  }
  if (written.length === 0) return [...lines, "the same release was there already: nothing written"];
  const verb = dryRun ? "would write" : "wrote";
  return [...lines, ...written.map((file) => `${verb} ${file}`)];
}
