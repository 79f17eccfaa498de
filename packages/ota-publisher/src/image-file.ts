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

/** A file that is delivered, open and measured. */
export interface ArtifactFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** SHA-256 of the file, 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /**
   * Fills `into` with the bytes from `offset` on.
   *
   * @throws {@link OtaError} `image/truncated` if the file became shorter since it was opened.
   */
  readAt(into: Uint8Array, offset: number): void;
  close(): void;
}

/** An app image on disk, with what an offer says of it. */
export interface ImageFile extends ArtifactFile {
  /** For each chunk in order the first 16 bytes of its SHA-256. */
  readonly hashList: Uint8Array;
  /** `chip_id` of the image header. */
  readonly chipId: number;
  /** `secure_version` of the app descriptor. */
  readonly secureVersion: number;
  /** `project_name` of the app descriptor: devices compare it with their own. */
  readonly projectName: string;
  /**
   * The bytes of one chunk, in full and in memory of their own.
   *
   * @throws {@link OtaError} `image/truncated` if the file became shorter since it was opened; `delivery/image-mismatch`
   *   if the chunk is not the one that was measured.
   */
  readChunk(index: number): Uint8Array;
}

/** Which artifact of a release line a file is. */
export interface ArtifactIdentity {
  /** The version manifest, for messages. */
  readonly file: string;
  readonly name: string;
  /** What the version manifest says of the file; checked where it is given. */
  readonly expected?: { readonly size: number; readonly sha256: string };
  /** `product.hardware` of the root manifest. */
  readonly hardware?: string | undefined;
}

/** Bytes read at a time while chunks are sent. */
const READ_AHEAD_SIZE = 32 * CHUNK_SIZE;

/** Bytes read at a time while the image is measured. */
const PIECE_SIZE = 256 * 1024;

/** A file of a release, open and measured. It need not be an app image. */
export interface OpenArtifact extends ArtifactFile {
  /**
   * The file as an app image that devices install.
   *
   * @throws {@link OtaError} `image/…` and `package/wrong-chip` for the first fault that `createImageJudge` finds.
   */
  image(): ImageFile;
  /**
   * Why no device can install the file, as sentences: release lines of file systems and other chips are delivered as they
   * are.
   *
   * @throws {@link OtaError} as {@link image} for faults of a file that begins as an app image and is not sound.
   */
  warnings(): readonly string[];
}

/**
 * Opens and measures a file that is to be delivered. The file stays open, so that one that takes its place while the
 * delivery runs changes nothing.
 *
 * @throws {@link OtaError} `manifest/artifact-not-found` if it can't be opened; `manifest/artifact-mismatch` if it is not
 *   what the manifest says.
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
 * Opens and measures an image that is to be installed by devices.
 *
 * @throws {@link OtaError} as {@link openArtifact} and its `image`.
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
    // Opening a named pipe would wait for ever.
    const found = statSync(path);
    if (!found.isFile()) throw notFound(found.isDirectory() ? "it is a folder" : "it is no regular file");
    return openSync(path, "r");
  } catch (cause) {
    if (isOtaError(cause)) throw cause;
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
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

/** Reads the whole file once, and compares it with the manifest before anything else is said of it. */
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

/** Reads chunks by position, some ahead: a round goes through them in order. */
function chunkReader(descriptor: number, sizeBytes: number, path: string): (index: number) => Uint8Array {
  let piece: { offset: number; bytes: Uint8Array } = { offset: 0, bytes: new Uint8Array(0) };
  return (index) => {
    const offset = index * CHUNK_SIZE;
    const needed = chunkSizeAt(index, sizeBytes);
    const start = offset - piece.offset;
    if (start >= 0 && start + needed <= piece.bytes.length) return piece.bytes.subarray(start, start + needed);
    // A new array each time: the chunks of the last one may still be on their way out.
    piece = { offset, bytes: readAt(descriptor, offset, Math.min(READ_AHEAD_SIZE, sizeBytes - offset)) };
    if (piece.bytes.length >= needed) return piece.bytes.subarray(0, needed);
    throw becameShorter(path, offset, needed, piece.bytes.length);
  };
}

/**
 * Compares each chunk with the hash list. Devices would refuse a chunk of a file that changed in place, and ask again
 * until the time is up.
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
 * The bytes of a file that is delivered as a whole.
 *
 * @throws {@link OtaError} `image/truncated` if it became shorter since it was opened; `delivery/image-mismatch` if it is
 *   not what was measured.
 */
export function readWhole(file: ArtifactFile): Uint8Array {
  const bytes = new Uint8Array(file.sizeBytes);
  file.readAt(bytes, 0);
  const actual = toHex(sha256(bytes));
  if (actual !== file.sha256) throw changed("its SHA-256", file.path, file.sha256, actual);
  return bytes;
}

function changed(what: string, path: string, expected: string, actual: string): OtaError<"delivery/image-mismatch"> {
  const message = `${path} changed while it was delivered: ${what} is ${actual}, and was ${expected}`;
  const hint = "a released file never changes: put it back and deploy again, or package the new build as a new version";
  return new OtaError("delivery/image-mismatch", message, { expected, actual }, { hint });
}

function becameShorter(path: string, offset: number, needed: number, actual: number): OtaError<"image/truncated"> {
  const message = `${path} became shorter while it was delivered: at ${offset} there must be ${needed} bytes`;
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
