import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type Immutable, isOtaError, MESSAGE_SIZE_MAX, OtaError } from "@tinybms/ota-core";
import { assertWithin, removeLeftovers, writeFileAtomically } from "@tinybms/ota-core/node";
import {
  advanceKeySet,
  buildEnvelope,
  buildKeySet,
  type Envelope,
  isFullySigned,
  type KeySet,
  keySetProgress,
  parseEnvelope,
  parseKeySet,
  readKeySet,
  SIGNATURES_MAX,
  signaturesNeeded,
  type TrustedKeys,
  trustKeys,
  verifySignature,
} from "@tinybms/ota-core/signing";
import { codeOf, reasonOf } from "../system-error.ts";
import { assertDeviceAlgorithms, assertKeySetFits, type KeySetInSigning } from "./key-set-limits.ts";

/** Complete key set, with all required signatures. */
export interface StoredKeySet {
  readonly file: string;
  /** Envelope, as published on the topic of its epoch. */
  readonly message: Uint8Array;
  readonly keys: TrustedKeys;
}

/** Next key set, which still needs signatures. */
export interface PendingKeySet extends KeySetInSigning {
  readonly file: string;
}

/** Folder of key sets: `<epoch>.json` for each one, and `pending.json` for the next one. */
export interface KeyStore {
  readonly folder: string;
  /** Key sets, each verified against the previous one. The current one is last. */
  readonly sets: readonly StoredKeySet[];
  readonly pending: PendingKeySet | undefined;
}

/**
 * Reads a folder of key sets and verifies each one against the previous one.
 *
 * @returns An empty store if the folder does not exist.
 * @throws {@link OtaError} `signing/key-set-unreadable`, and the codes of `advanceKeySet`, with the name of the file.
 */
export async function readKeyStore(folder: string): Promise<KeyStore> {
  const epochs = (await namesIn(folder))
    .flatMap((name) => /^([1-9][0-9]{0,9})\.json$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((left, right) => left - right);
  const sets: StoredKeySet[] = [];
  for (const epoch of epochs) {
    const file = join(folder, `${epoch}.json`);
    const message = await readSmall(file);
    const before = sets.at(-1)?.keys;
    const keys = ofFile(file, () =>
      before === undefined ? readKeySet(message, verifySignature) : advanceKeySet(before, message, verifySignature),
    );
    if (keys.document.epoch !== epoch) {
      const text = `${file} holds epoch ${keys.document.epoch}; its name says ${epoch}`;
      throw new OtaError("signing/key-set-epoch", text, { expected: epoch, found: keys.document.epoch });
    }
    sets.push({ file, message, keys });
  }
  return { folder, sets, pending: await readPending(folder, sets.at(-1)?.keys) };
}

/**
 * Writes the next key set: as `pending.json` while signatures are missing, else under its epoch.
 *
 * @param envelope - The key set with its present signatures.
 * @returns The new content of the folder.
 * @throws {@link OtaError} `signing/key-set-unreadable` if it can't be written; `signing/key-set-change` for a key set
 *   that no device would accept; `package/write-failed` if the folder or a file in it is a symbolic link out of the
 *   release line.
 */
export async function writeNextKeySet(store: KeyStore, envelope: Envelope): Promise<KeyStore> {
  const current = store.sets.at(-1)?.keys;
  const pending = pendingOf(join(store.folder, PENDING), envelope, current);
  assertKeySetFits(pending, current);
  const message = buildEnvelope(envelope.payload, envelope.signatures);
  // The folder itself may be a link out of the release line.
  await assertWithin(dirname(resolve(store.folder)), store.folder);
  await mkdir(store.folder, { recursive: true }).catch((cause: unknown) => {
    throw unreadable(store.folder, "made", cause);
  });
  await removeLeftovers(store.folder);
  if (!isFullySigned(pending.progress)) {
    await write(pending.file, message);
    return { ...store, pending };
  }
  const file = join(store.folder, `${pending.keys.document.epoch}.json`);
  // Verify it as devices do before it counts as complete.
  const keys =
    current === undefined ? readKeySet(message, verifySignature) : advanceKeySet(current, message, verifySignature);
  await write(file, message);
  await rm(pending.file, { force: true });
  return { ...store, sets: [...store.sets, { file, message, keys }], pending: undefined };
}

/**
 * Returns a folder with another pending key set, without signatures. Writes nothing.
 *
 * @throws {@link OtaError} `signing/key-set-change` for a key set that no device would accept: malformed, too large,
 *   with a new key of an algorithm that devices don't have, or with more required signatures than an envelope can hold.
 */
export function withPending(store: KeyStore, document: Immutable<KeySet>): KeyStore {
  const envelope: Envelope = { payload: payloadOf(document), signatures: [] };
  const current = store.sets.at(-1)?.keys;
  const pending = pendingOf(join(store.folder, PENDING), envelope, current);
  assertDeviceAlgorithms(pending, current);
  const count = signaturesNeeded(pending.progress);
  if (count <= SIGNATURES_MAX) {
    assertKeySetFits(pending, current);
    return { ...store, pending };
  }
  const message = `the old and the new root keys must give ${count} signatures; an envelope holds ${SIGNATURES_MAX}`;
  const hint = "change the root keys in two steps, so that some of the old ones sign for both";
  throw new OtaError("signing/key-set-change", message, {}, { hint });
}

function payloadOf(document: Immutable<KeySet>): Uint8Array {
  try {
    return buildKeySet(document);
  } catch (error) {
    if (!isOtaError(error)) throw error;
    throw new OtaError(
      "signing/key-set-change",
      `no device would take this key set: ${error.message}`,
      {},
      { cause: error },
    );
  }
}

const PENDING = "pending.json";

async function readPending(folder: string, current: TrustedKeys | undefined): Promise<PendingKeySet | undefined> {
  const file = join(folder, PENDING);
  if (!(await namesIn(folder)).includes(PENDING)) return undefined;
  const bytes = await readSmall(file);
  const pending = ofFile(file, () => pendingOf(file, parseEnvelope(bytes, MESSAGE_SIZE_MAX.keys), current));
  const { epoch } = pending.keys.document;
  const expected = (current?.document.epoch ?? 0) + 1;
  // Left by a crash between the last two steps of completing a key set.
  if (epoch < expected) return undefined;
  if (epoch === expected) return pending;
  const text = `${file} holds epoch ${epoch}; the next of this folder is ${expected}`;
  throw new OtaError("signing/key-set-epoch", text, { expected, found: epoch });
}

function pendingOf(file: string, envelope: Envelope, current: TrustedKeys | undefined): PendingKeySet {
  const keys = trustKeys(parseKeySet(envelope.payload));
  return { file, envelope, keys, progress: keySetProgress(envelope, current, keys, verifySignature) };
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return [];
    throw unreadable(folder, "read", cause);
  }
}

async function readSmall(file: string): Promise<Uint8Array> {
  try {
    const found = await stat(file);
    if (!found.isFile()) throw new Error("it is no regular file");
    if (found.size > MESSAGE_SIZE_MAX.keys) throw new Error(`it has more than ${MESSAGE_SIZE_MAX.keys} bytes`);
    return new Uint8Array(await readFile(file));
  } catch (cause) {
    throw unreadable(file, "read", cause);
  }
}

async function write(file: string, bytes: Uint8Array): Promise<void> {
  await writeFileAtomically(file, bytes, dirname(file)).catch((cause: unknown) => {
    if (isOtaError(cause)) throw cause;
    throw unreadable(file, "written", cause);
  });
}

function ofFile<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isOtaError(error)) throw error;
    const message = `${file}: ${error.message}`;
    // Codes of the group protocol are for messages, not files.
    const isMessageFault = error.code.startsWith("protocol/");
    if (isMessageFault) throw new OtaError("signing/key-set-unreadable", message, { file }, { cause: error });
    throw new OtaError(error.code, message, error.details, { cause: error });
  }
}

function unreadable(file: string, verb: string, cause: unknown): OtaError<"signing/key-set-unreadable"> {
  const reason = reasonOf(cause);
  return new OtaError("signing/key-set-unreadable", `${file} can't be ${verb}: ${reason}`, { file }, { cause });
}
