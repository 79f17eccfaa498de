import { type CommandOutput, type OutputOptions, printable } from "@tinybms/cli-kit/output";
import { type PackageOptions, type PackageResult, packageRelease } from "@tinybms/ota-core/node";
import type { Signer } from "@tinybms/ota-core/signing";
import type { SigningOptions } from "../signing/signers.ts";
import { treeOf } from "./file-tree.ts";

/** Options of `tinybms-ota package`, as commander parses them. */
export interface PackageCommandOptions
  extends OutputOptions,
    SigningOptions,
    Omit<PackageOptions, "now" | "signal" | "lockTimeoutMs" | "onWait" | "signers"> {}

/**
 * Packages a build as a release.
 *
 * @returns The exit code 0.
 * @throws {@link OtaError} The codes of `packageRelease` and `openSigners`.
 */
export async function runPackage(options: PackageCommandOptions, output: CommandOutput): Promise<number> {
  const { json: _json, verbose: _verbose, quiet: _quiet, ...release } = options;
  const result = await packageRelease({
    ...release,
    signers: await signersOf(options, output),
    signal: output.world.signal,
    onWait: (owner) => output.note(`waiting for another build on this release line: ${printable(owner)}`),
  });
  for (const warning of result.warnings) output.warn(printable(warning));
  output.printJson(result);
  if (!output.quiet) for (const line of describe(result)) output.print(line);
  return 0;
}

/** Opens the signers. Loads the signing code only if there are keys: most builds are packaged without any. */
async function signersOf(options: SigningOptions, output: CommandOutput): Promise<readonly Signer[]> {
  const { signKey, signCommand, signPublic } = options;
  if ([signKey, signCommand, signPublic].every((files) => files === undefined)) return [];
  const { openSigners } = await import("../signing/signers.ts");
  return openSigners(options, output);
}

function describe(result: PackageResult): string[] {
  const lines: string[] = [];
  for (const { name, size, sha256, image } of result.artifacts) {
    lines.push(`${printable(name)} ${printable(result.version)}`);
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
  const { changes, dryRun } = result;
  if (changes.length === 0) return [...lines, "the same release already exists: nothing written"];
  if (!dryRun) return [...lines, ...changes.map(({ path, action }) => `${DONE[action]} ${printable(path)}`)];
  const notes = changes.map(({ path, action }) => ({ path: printable(path), note: noteOf(result, path, action) }));
  return [...lines, "would change", ...treeOf(notes).map((line) => `  ${line}`)];
}

const DONE = { create: "wrote", replace: "replaced", edit: "edited", remove: "removed" } as const;

function noteOf(result: PackageResult, path: string, action: keyof typeof DONE): string {
  if (path === result.manifest) return `${action}: the entry of ${printable(result.version)}`;
  const artifact = action === "remove" ? undefined : result.artifacts.find((it) => it.path === path);
  return artifact === undefined ? action : `${action}: ${artifact.size} bytes`;
}
