import { realpathSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { OtaError } from "../errors.ts";
import type { LoadedRoot } from "../manifest/load.ts";
import { isMissing } from "../manifest/load-file.ts";
import { isBelow } from "../manifest/load-path.ts";
import { nameFault, pathFault } from "../manifest/paths.ts";
import type { PackageOptions } from "./package-options.ts";
import type { Binary } from "./read-image.ts";
import { assertWithin } from "./write-atomically.ts";

/** Folders and names of a release's files. */
export interface PackagePlan {
  readonly version: string;
  /** `name` of the artifact. */
  readonly name: string;
  readonly filename: string;
  /** `<output>/<version>`. */
  readonly folder: string;
  readonly versionManifest: string;
  /** Path of the version manifest for its entry in the root manifest; absent if there will be no entry. */
  readonly manifestPath?: string | undefined;
  /** Folder that no file of the release may leave through a symbolic link. */
  readonly within: string;
  /** Lock file that excludes other builds of this release line. */
  readonly lockFile: string;
  readonly warnings: readonly string[];
}

/**
 * Decides names and folders of a release. Refuses names that would leave their folder or fail on another operating
 * system.
 *
 * @throws {@link OtaError} `package/version-unknown`.
 * @throws {@link OtaError} `package/version-invalid`.
 * @throws {@link OtaError} `package/name-invalid`.
 * @throws {@link OtaError} `package/output-outside`.
 * @throws {@link OtaError} `package/write-failed` where a symbolic link leads out of the release line.
 */
export async function planPackage(options: PackageOptions, root: LoadedRoot, binary: Binary): Promise<PackagePlan> {
  const version = chooseVersion(options, binary);
  const name = chooseName(options, root);
  const filename = chooseFilename(options, name, version);
  const output = options.output ?? join(root.folder, "versions");
  const folder = join(output, version);
  const versionManifest = join(folder, "ota.json");
  const within = options.output ?? root.folder;
  const manifestPath = options.updateManifest === true ? await pathBelowRoot(root, versionManifest, folder) : undefined;
  await assertWithin(within, folder);
  const { appVersion } = binary.image;
  const differs = options.version !== undefined && appVersion !== "" && appVersion !== version;
  return {
    version,
    name,
    filename,
    folder,
    versionManifest,
    manifestPath,
    within,
    lockFile: await lockFileOf(root, output),
    warnings: differs ? [`the version given is ${version}, but the image's app descriptor says ${appVersion}`] : [],
  };
}

function chooseVersion(options: PackageOptions, { file, image }: Binary): string {
  const version = options.version ?? image.appVersion;
  if (options.version === undefined && version === "") {
    const message = `${file}: the version of its app descriptor is empty`;
    throw new OtaError("package/version-unknown", message, { file }, { hint: "name the version with --version" });
  }
  const fault = nameFault(version);
  if (fault === undefined) return version;
  const source = options.version === undefined ? ` of the app descriptor of ${file}` : "";
  const message = `the version ${JSON.stringify(version)}${source} ${fault}; it becomes the name of a folder`;
  throw new OtaError("package/version-invalid", message, { version }, { hint: "name another with --version" });
}

function chooseName(options: PackageOptions, { manifest }: LoadedRoot): string {
  const name = options.project ?? manifest.product.name ?? "firmware";
  if (name !== "" && name.length <= 128 && !/\p{Cc}/u.test(name)) return name;
  const message = `the project name ${JSON.stringify(name.slice(0, 140))} must be 1 to 128 characters, none of them a control character`;
  throw new OtaError("package/name-invalid", message, { name }, { hint: "name another with --project" });
}

function chooseFilename(options: PackageOptions, name: string, version: string): string {
  const filename = options.artifactName ?? `${name}-${version}.bin`;
  const isTaken = filename.toLowerCase() === "ota.json";
  const fault = isTaken ? "is the name of the version manifest beside it" : nameFault(filename);
  if (fault === undefined) return filename;
  const message = `the file name ${JSON.stringify(filename)} ${fault}`;
  throw new OtaError(
    "package/name-invalid",
    message,
    { name: filename },
    { hint: "name another with --artifact-name" },
  );
}

/** Reason why a manifest refers only to files in its folder. */
const REASON = "so that a release line can be moved, served and checked as one folder";

/**
 * Returns the lock file: one per release line. An output elsewhere has its own lock file there, because the manifest's
 * folder may not be writable.
 */
async function lockFileOf(root: LoadedRoot, output: string): Promise<string> {
  const manifest = realPathOf(resolve(root.file));
  const target = realPathOf(resolve(output));
  const isInside = isBelow(dirname(manifest), target);
  return isInside ? join(dirname(manifest), `.${basename(manifest)}.lock`) : join(target, ".tinybms-ota.lock");
}

/**
 * Returns the path of the version manifest for the root manifest. Checks that it lies below its folder, with symbolic
 * links followed.
 */
async function pathBelowRoot(root: LoadedRoot, versionManifest: string, folder: string): Promise<string> {
  const rootFolder = realPathOf(resolve(root.folder));
  const target = realPathOf(resolve(versionManifest));
  const named = relative(rootFolder, target).split(sep).join("/");
  if (isBelow(rootFolder, target) && pathFault(named) === undefined) return named;
  const message = `${folder} is not below ${root.folder}, the folder of ${root.file}, whose entries name only what lies below it, ${REASON}`;
  const hint = `choose an --output below ${root.folder}, or leave out --update-manifest`;
  throw new OtaError("package/output-outside", message, { output: folder, manifest: root.file }, { hint });
}

/** Returns the absolute path with the symbolic links of its existing part resolved. */
function realPathOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    const parent = dirname(path);
    if (!isMissing(error) || parent === path) return path;
    return join(realPathOf(parent), basename(path));
  }
}
