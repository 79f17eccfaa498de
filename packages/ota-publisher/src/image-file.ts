import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import {
  CHUNK_HASH_SIZE,
  CHUNK_SIZE,
  chunkSizeAt,
  createHashListBuilder,
  createSha256,
  equalBytes,
  isOtaError,
  OtaError,
  sha256,
  toHex,
} from "@tinybms/ota-core";
import { createImageJudge, type JudgedImage } from "@tinybms/ota-core/esp";
import { codeOf } from "./system-error.ts";

/** Open file of a delivery with its size and hash. */
export interface ArtifactFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** SHA-256 of the file, 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /**
   * Fills `into` with the bytes from `offset` on.
   *
   * @throws {@link OtaError} `image/truncated` if the file has become shorter since it was opened.
   */
  readAt(into: Uint8Array, offset: number): void;
  /** Closes the file. */
  close(): void;
}

/** App image on disk, with the values for an offer. */
export interface ImageFile extends ArtifactFile {
  /** First 16 bytes of the SHA-256 of each chunk, in order. */
  readonly hashList: Uint8Array;
  /** `chip_id` of the image header. */
  readonly chipId: number;
  /** `secure_version` of the app descriptor. */
  readonly secureVersion: number;
  /** `project_name` of the app descriptor: devices compare it with their own. */
  readonly projectName: string;
  /**
   * Reads one whole chunk.
   *
   * @returns Bytes that no later call overwrites.
   * @throws {@link OtaError} `image/truncated` if the file has become shorter since it was opened;
   *   `delivery/image-mismatch` if the chunk has changed since then.
   */
  readChunk(index: number): Uint8Array;
}

/** Artifact that a file belongs to. */
export interface ArtifactIdentity {
  /** Path of the version manifest, for messages. */
  readonly file: string;
  readonly name: string;
  /** Size and hash in the version manifest, which are checked if present. */
  readonly expected?: { readonly size: number; readonly sha256: string };
  /** `product.hardware` of the root manifest. */
  readonly hardware?: string | undefined;
}

/** Size of one read while chunks are sent, in bytes. */
const READ_AHEAD_SIZE = 32 * CHUNK_SIZE;

/** Size of one read while the file is hashed, in bytes. */
const PIECE_SIZE = 256 * 1024;

/** Open file of a release. It need not be an app image. */
export interface OpenArtifact extends ArtifactFile {
  /**
   * Returns the file as an app image.
   *
   * @throws {@link OtaError} `image/…` and `package/wrong-chip`: the first fault that `createImageJudge` finds.
   */
  image(): ImageFile;
  /**
   * Returns one sentence for each reason why devices can't install the file. Files for other chips and file systems are
   * delivered unchanged.
   *
   * @throws {@link OtaError} The codes of {@link image}, if the file begins as an app image and is corrupt.
   */
  warnings(): readonly string[];
}

/**
 * Opens a file for delivery and hashes it. The file stays open, so that replacing it during the delivery has no effect.
 *
 * @throws {@link OtaError} `manifest/artifact-not-found` if the file can't be opened; `manifest/artifact-mismatch` if
 *   its size or hash differs from the manifest.
 */
export function openArtifact(path: string, artifact: ArtifactIdentity): OpenArtifact {
  return withOpenFile(path, artifact, (descriptor) => {
    const { judged, hashList, ...measured } = measure(descriptor, path, artifact);
    const faults = judged.faults(path, artifact.hardware);
    const file = fileOf(path, descriptor, measured);
    return {
      ...file,
      image: () => {
        const [fault] = faults;
        if (judged.sound === undefined || fault !== undefined) throw fault?.error ?? judged.unsound;
        const { header, descriptor: app } = judged.sound.image;
        const { secureVersion, projectName } = app;
        const readChunk = checkedReader(chunkReader(descriptor, measured.sizeBytes, path), hashList, path);
        return { ...file, hashList, chipId: header.chipId, secureVersion, projectName, readChunk };
      },
      warnings: () => {
        for (const { error, blocks } of faults) if (blocks === "every-way") throw error;
        return faults.map(({ error }) => `${error.message}; it is sent as it is`);
      },
    };
  });
}

/**
 * Opens an app image for delivery.
 *
 * @throws {@link OtaError} The codes of {@link openArtifact} and of its `image`.
 */
export function openImage(path: string, artifact: ArtifactIdentity): ImageFile {
  const file = openArtifact(path, artifact);
  try {
    return file.image();
  } catch (error) {
    file.close();
    throw error;
  }
}

function withOpenFile<T>(path: string, artifact: ArtifactIdentity, use: (descriptor: number) => T): T {
  const descriptor = open(path, artifact);
  try {
    return use(descriptor);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function open(path: string, { file, name }: ArtifactIdentity): number {
  const notFound = (reason: string, cause?: unknown): OtaError<"manifest/artifact-not-found"> => {
    const message = `${file}: artifact ${name}: ${path}: ${reason}`;
    return new OtaError("manifest/artifact-not-found", message, { file, artifact: name, path }, { cause });
  };
  try {
    // Opening a named pipe would block.
    const found = statSync(path);
    if (!found.isFile()) throw notFound(found.isDirectory() ? "it is a folder" : "it is not a regular file");
    return openSync(path, "r");
  } catch (cause) {
    if (isOtaError(cause)) throw cause;
    const isMissing = codeOf(cause) === "ENOENT";
    throw notFound(isMissing ? "there is no such file" : "it can't be opened", cause);
  }
}

function fileOf(path: string, descriptor: number, measured: { sizeBytes: number; sha256: string }): ArtifactFile {
  return {
    path,
    ...measured,
    readAt: (into, offset) => {
      const bytes = readAt(descriptor, offset, into.length, into);
      if (bytes.length < into.length) throw becameShorter(path, offset, into.length, bytes.length);
    },
    close: () => closeSync(descriptor),
  };
}

interface Measured {
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly hashList: Uint8Array;
  readonly judged: JudgedImage;
}

/** Reads the whole file once. Compares its size and hash with the manifest before reporting any other fault. */
function measure(descriptor: number, path: string, artifact: ArtifactIdentity): Measured {
  const compare = (what: string, expected: string | undefined, actual: string): void => {
    if (expected !== undefined && expected !== actual) throw mismatch(path, artifact, what, expected, actual);
  };
  const { expected } = artifact;
  const sizeNow = fstatSync(descriptor).size;
  compare("size", expected?.size.toString(), sizeNow.toString());
  const judge = createImageJudge();
  const hashes = createHashListBuilder();
  const hash = createSha256();
  const buffer = new Uint8Array(Math.max(1, Math.min(PIECE_SIZE, sizeNow)));
  let sizeBytes = 0;
  for (;;) {
    const piece = buffer.subarray(0, readSync(descriptor, buffer));
    if (piece.length === 0) break;
    hash.update(piece);
    hashes.push(piece);
    judge.push(piece);
    sizeBytes += piece.length;
  }
  const sha256 = toHex(hash.digest());
  compare("size", expected?.size.toString(), sizeBytes.toString());
  compare("SHA-256", expected?.sha256.toLowerCase(), sha256);
  return { sizeBytes, sha256, hashList: hashes.finish(), judged: judge.finish() };
}

function mismatch(
  path: string,
  { file, name }: ArtifactIdentity,
  what: string,
  expected: string,
  actual: string,
): OtaError<"manifest/artifact-mismatch"> {
  const message = `${file}: artifact ${name}: the ${what} of ${path} is ${actual}; the manifest says ${expected}`;
  const hint = "the file changed after it was packaged: put the released file back, or package it under a new version";
  const details = { file, artifact: name, path, expected, actual };
  return new OtaError("manifest/artifact-mismatch", message, details, { hint });
}

/** Creates a reader of chunks that reads ahead, because chunks are sent in order. */
function chunkReader(descriptor: number, sizeBytes: number, path: string): (index: number) => Uint8Array {
  let piece: { offset: number; bytes: Uint8Array } = { offset: 0, bytes: new Uint8Array(0) };
  return (index) => {
    const offset = index * CHUNK_SIZE;
    const needed = chunkSizeAt(index, sizeBytes);
    const start = offset - piece.offset;
    if (start >= 0 && start + needed <= piece.bytes.length) return piece.bytes.subarray(start, start + needed);
    // A new array each time: earlier chunks may still be in transmission.
    piece = { offset, bytes: readAt(descriptor, offset, Math.min(READ_AHEAD_SIZE, sizeBytes - offset)) };
    if (piece.bytes.length >= needed) return piece.bytes.subarray(0, needed);
    throw becameShorter(path, offset, needed, piece.bytes.length);
  };
}

/**
 * Creates a reader that compares each chunk with the hash list. Devices would reject chunks of a changed file and
 * request them again until the timeout.
 */
function checkedReader(
  readChunk: (index: number) => Uint8Array,
  hashList: Uint8Array,
  path: string,
): (index: number) => Uint8Array {
  return (index) => {
    const bytes = readChunk(index);
    const expected = hashList.subarray(index * CHUNK_HASH_SIZE, (index + 1) * CHUNK_HASH_SIZE);
    const actual = sha256(bytes).subarray(0, CHUNK_HASH_SIZE);
    if (equalBytes(actual, expected)) return bytes;
    throw changed(`the SHA-256 of chunk ${index}`, path, toHex(expected), toHex(actual));
  };
}

/**
 * Reads a whole file.
 *
 * @throws {@link OtaError} `image/truncated` if the file has become shorter since it was opened;
 *   `delivery/image-mismatch` if it has changed since then.
 */
export function readWhole(file: ArtifactFile): Uint8Array {
  const bytes = new Uint8Array(file.sizeBytes);
  file.readAt(bytes, 0);
  const actual = toHex(sha256(bytes));
  if (actual !== file.sha256) throw changed("its SHA-256", file.path, file.sha256, actual);
  return bytes;
}

function changed(what: string, path: string, expected: string, actual: string): OtaError<"delivery/image-mismatch"> {
  const message = `${path} changed during its delivery: ${what} is ${actual}; it was ${expected}`;
  const hint = "a released file never changes: put it back and deploy again, or package the new build as a new version";
  return new OtaError("delivery/image-mismatch", message, { expected, actual }, { hint });
}

function becameShorter(path: string, offset: number, needed: number, actual: number): OtaError<"image/truncated"> {
  const message = `${path} became shorter during its delivery: ${needed} bytes are expected at ${offset}`;
  return new OtaError("image/truncated", message, { offset, needed, actual });
}

function readAt(
  descriptor: number,
  offset: number,
  length: number,
  into: Uint8Array = new Uint8Array(Math.max(0, length)),
): Uint8Array {
  if (!(offset >= 0 && length > 0)) return into.subarray(0, 0);
  return into.subarray(0, readSync(descriptor, into, 0, length, offset));
}
