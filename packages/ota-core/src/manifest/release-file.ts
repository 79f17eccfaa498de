import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isOtaError, OtaError } from "../errors.ts";
import { type Envelope, parseEnvelope } from "../messages/envelope.ts";
import { parseRelease } from "../messages/release.ts";
import { RELEASE_SIZE_MAX } from "../messages/topics.ts";
import type { Release } from "../schemas/types.generated.ts";
import { isMissing, reasonOf } from "./load-file.ts";

/** A signed release in a `release.json` next to its version manifest. */
export interface ReleaseFile {
  readonly file: string;
  readonly envelope: Envelope;
  /** The release in the envelope. Its signatures are not verified. */
  readonly release: Release;
}

/** Returns the path of a version's signed release: `release.json` next to its version manifest. */
export function releaseFileOf(versionManifest: string): string {
  return join(dirname(versionManifest), "release.json");
}

/**
 * Reads a signed release. Does not verify its signatures.
 *
 * @returns The release, or `undefined` if there is no such file.
 * @throws {@link OtaError} `manifest/unreadable` if it can't be read.
 * @throws {@link OtaError} `signing/release-malformed` if it does not contain a release.
 */
export async function readReleaseFile(file: string): Promise<ReleaseFile | undefined> {
  const bytes = await read(file);
  if (bytes === undefined) return undefined;
  try {
    const envelope = parseEnvelope(bytes);
    return { file, envelope, release: parseRelease(envelope.payload) };
  } catch (error) {
    if (!isOtaError(error)) throw error;
    const hint = "remove it, and package the same build again with --sign-key";
    throw new OtaError("signing/release-malformed", `${file}: ${error.message}`, { file }, { cause: error, hint });
  }
}

async function read(file: string): Promise<Uint8Array | undefined> {
  try {
    const found = await stat(file);
    if (!found.isFile()) throw unreadable(file, found.isDirectory() ? "it is a folder" : "it is not a regular file");
    if (found.size > RELEASE_SIZE_MAX)
      throw unreadable(file, `it has ${found.size} bytes; a release has at most ${RELEASE_SIZE_MAX}`);
    return new Uint8Array(await readFile(file));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw isOtaError(error) ? error : unreadable(file, reasonOf(error), error);
  }
}

function unreadable(file: string, reason: string, cause?: unknown): OtaError<"manifest/unreadable"> {
  return new OtaError("manifest/unreadable", `${file} can't be read: ${reason}`, { file }, { cause });
}
