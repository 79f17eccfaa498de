import { realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import { OtaError } from "../errors.ts";
import { quoted } from "../schemas/problems.ts";
import { redactUserInfo } from "../secret-text.ts";
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
    if (isBelow(await existingPart(folder), await existingPart(target))) return target;
  } catch (error) {
    throw escapes(path, `can't be followed: ${reasonOf(error)}`, origin);
  }
  throw escapes(path, "leads out of its folder through a symbolic link", origin);
}

/** The part of a path that exists, with all links followed: what lies below may be missing, but not elsewhere. */
export async function existingPart(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const parent = dirname(path);
    if (!isMissing(error) || parent === path) throw error;
    return await existingPart(parent);
  }
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
  const message = `${file}: ${pointer}: the path ${quoted(path)} ${fault}; it must stay below its folder`;
  return new OtaError("manifest/path-escapes", message, { file, path: redactUserInfo(path), pointer });
}
