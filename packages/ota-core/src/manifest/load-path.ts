import { realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import { OtaError } from "../errors.ts";
import { isMissing, reasonOf } from "./load-file.ts";
import { pathFault } from "./paths.ts";

/** Which manifest names a path, and where in it (JSON pointer). */
export interface PathOrigin {
  readonly file: string;
  readonly pointer: string;
}

/**
 * The path that a manifest names, if it stays below `folder`, also where folders and files are symbolic links.
 *
 * @param folder - What the path is relative to.
 * @param origin - Who names it, for messages.
 * @returns The path, which need not exist.
 * @throws {@link OtaError} `manifest/path-escapes`.
 */
export async function resolveBelow(folder: string, path: string, origin: PathOrigin): Promise<string> {
  const fault = pathFault(path);
  if (fault !== undefined) throw escapes(path, fault, origin);
  const target = join(folder, path);
  try {
    if (isBelow(await realpath(folder), await realpath(target))) return target;
  } catch (error) {
    // What isn't there leads nowhere; whoever reads it says that it is missing.
    if (isMissing(error)) return target;
    throw escapes(path, `can't be followed: ${reasonOf(error)}`, origin);
  }
  throw escapes(path, "leads out of its folder through a symbolic link", origin);
}

/**
 * Where an artifact's file should be: below the version manifest's folder, in `base_path` when there is one.
 *
 * @param file - The version manifest.
 * @param index - The artifact's place in it.
 * @throws {@link OtaError} `manifest/path-escapes`.
 */
export async function resolveArtifact(
  file: string,
  basePath: string | undefined,
  filename: string,
  index: number,
): Promise<string> {
  const origin = { file, pointer: `/artifacts/${index}/filename` };
  const baseFault = basePath === undefined ? undefined : pathFault(basePath);
  if (baseFault !== undefined) throw escapes(basePath ?? "", baseFault, { file, pointer: "/base_path" });
  const fault = pathFault(filename);
  if (fault !== undefined) throw escapes(filename, fault, origin);
  return await resolveBelow(dirname(file), basePath === undefined ? filename : `./${basePath}/${filename}`, origin);
}

/** Whether `target` is `folder` or lies in it. Both are absolute. */
export function isBelow(folder: string, target: string): boolean {
  const path = relative(folder, target);
  return path !== ".." && !path.startsWith(`..${sep}`) && !isAbsolute(path);
}

function escapes(path: string, fault: string, { file, pointer }: PathOrigin): OtaError<"manifest/path-escapes"> {
  const message = `${file}: ${pointer}: the path ${JSON.stringify(path)} ${fault}; it must stay below its folder`;
  return new OtaError("manifest/path-escapes", message, { file, path });
}
