import { realpathSync } from "node:fs";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import { OtaError } from "../errors.ts";
import { quoted } from "../schemas/problems.ts";
import { redactUserInfo } from "../secret-text.ts";
import { isMissing, reasonOf } from "./load-file.ts";
import { pathFault } from "./paths.ts";

/** The manifest that contains a path, and the JSON pointer of the path in it. */
export interface PathOrigin {
  readonly file: string;
  readonly pointer: string;
}

/**
 * Resolves a path in a manifest and checks that it stays below `folder`, with all symbolic links followed.
 *
 * @param folder - The folder to which the path is relative.
 * @param origin - The place of the path, for messages.
 * @returns The path, which need not exist.
 * @throws {@link OtaError} `manifest/path-escapes` if it leaves the folder or can't be resolved.
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

/** Returns the longest existing part of a path, with all symbolic links followed. */
export async function existingPart(path: string): Promise<string> {
  try {
    return realpathSync.native(path);
  } catch (error) {
    const parent = dirname(path);
    if (!isMissing(error) || parent === path) throw error;
    return await existingPart(parent);
  }
}

/**
 * Resolves the path of an artifact's file: below the version manifest's folder, in `base_path` if there is one.
 *
 * @param file - The version manifest.
 * @param index - The artifact's index in it.
 * @throws {@link OtaError} `manifest/path-escapes` if the path leaves that folder.
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

/** Returns `true` if `target` is `folder` or lies in it. Both are absolute. */
export function isBelow(folder: string, target: string): boolean {
  const path = relative(folder, target);
  return path !== ".." && !path.startsWith(`..${sep}`) && !isAbsolute(path);
}

function escapes(path: string, fault: string, { file, pointer }: PathOrigin): OtaError<"manifest/path-escapes"> {
  const message = `${file}: ${pointer}: the path ${quoted(path)} ${fault}; it must stay below its folder`;
  return new OtaError("manifest/path-escapes", message, { file, path: redactUserInfo(path), pointer });
}
