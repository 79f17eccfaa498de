import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256, toHex } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { type CliRun, type RunWorld, runCommand } from "./release-line.ts";

export const VERSION = "1.2.3";

/** A file of a release, with what its version manifest adds. */
export interface LineArtifact {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly members?: object;
}

/** A release line of one version, written by hand: what deploy reads. */
export interface DeployLine {
  /** Folder of the root manifest. */
  readonly folder: string;
  /** Runs `tinybms-ota deploy` on it. */
  deploy(args: readonly string[], world?: RunWorld): Promise<CliRun>;
  /** Runs any command of `tinybms-ota` that takes `--manifest`. */
  run(args: readonly string[], world?: RunWorld): Promise<CliRun>;
  fileOf(name: string): string;
  remove(): void;
}

/** An app image for the artifact of a test. */
export function imageOf(projectName: string, sizeBytes = 40_000): Uint8Array {
  return buildAppImage({ version: VERSION, projectName, sizeBytes });
}

/** Makes a folder with a root manifest, one version and its files. */
export function createDeployLine(
  channels: object,
  protocols: readonly string[] | undefined,
  artifacts: readonly LineArtifact[] = [{ name: "gateway", bytes: imageOf("gateway") }],
): DeployLine {
  const folder = mkdtempSync(join(tmpdir(), "tinybms-deploy-"));
  const versionFolder = join(folder, "versions", VERSION);
  mkdirSync(versionFolder, { recursive: true });
  const fileOf = (name: string): string => join(versionFolder, `${name}.bin`);
  const listed = artifacts.map(({ name, bytes, members }) => {
    writeFileSync(fileOf(name), bytes);
    return { name, filename: `${name}.bin`, size: bytes.length, sha256: toHex(sha256(bytes)), ...members };
  });
  const manifest = join(folder, "manifest.json");
  const root = {
    schema_version: 1,
    product: { name: "gateway", hardware: "esp32" },
    deployment: { channels, ...(protocols === undefined ? {} : { default_protocols: protocols }) },
    versions: [{ id: VERSION, manifest: `versions/${VERSION}/ota.json` }],
  };
  writeFileSync(manifest, JSON.stringify(root));
  writeFileSync(join(versionFolder, "ota.json"), JSON.stringify({ version: VERSION, artifacts: listed }));
  return {
    folder,
    fileOf,
    run: (args, world) => runCommand([...args, "--manifest", manifest], world),
    deploy: (args, world) => runCommand(["deploy", "--version", VERSION, "--manifest", manifest, ...args], world),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
