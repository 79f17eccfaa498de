import { dirname, join, resolve } from "node:path";
import { type CommandOutput, ExitCode, type OutputOptions } from "@tinybms/cli-kit/output";
import { type Immutable, isOtaError, OtaError } from "@tinybms/ota-core";
import { loadRootManifest } from "@tinybms/ota-core/node";
import {
  addKey,
  firstKeySet,
  type KeyRoleName,
  type KeySet,
  nextKeySet,
  type PublicKey,
  productOf,
  revokeKey,
  rotateKey,
  setThreshold,
} from "@tinybms/ota-core/signing";
import { readPublicKey } from "../signing/key-file.ts";
import { type KeyStore, readKeyStore, withPending, writeNextKeySet } from "../signing/key-store.ts";
import { rootKeysOf, signPendingKeySet } from "../signing/sign-key-set.ts";
import { openSigners, type SigningOptions } from "../signing/signers.ts";
import { keysDocument, keysText } from "./keys-document.ts";

/** Options of every `tinybms-ota keys` command. */
export interface KeysCommandOptions extends OutputOptions, SigningOptions {
  /** Folder of the key sets. */
  readonly keys: string;
}

/** Options of `keys init`, as commander parses them. */
export interface KeysInitOptions extends KeysCommandOptions {
  /** Name of the product. @defaultValue The manifest's */
  readonly product?: string;
  /** Path of the root manifest. @defaultValue `manifest.json` next to the folder of key sets */
  readonly manifest?: string;
  /** Public key files. Without release or offer keys, the root keys have these roles too. */
  readonly root: readonly string[];
  readonly release?: readonly string[];
  readonly offer?: readonly string[];
  readonly threshold?: readonly (readonly [KeyRoleName, number])[];
}

type Keys = Immutable<KeySet>;

/**
 * Creates the first key set of a product (`keys init`).
 *
 * @throws {@link OtaError} `signing/key-exists` if the folder already has key sets; `signing/…`; `arguments/invalid`
 *   and `manifest/…` for the product.
 */
export async function runKeysInit(options: KeysInitOptions, output: CommandOutput): Promise<number> {
  const { root, release = root, offer = root, threshold = [] } = options;
  const store = await readKeyStore(options.keys);
  if (store.sets.length > 0 || store.pending !== undefined) {
    const hint = "keys add, revoke, rotate and threshold create the next key set";
    throw new OtaError(
      "signing/key-exists",
      `${options.keys} already holds key sets`,
      { file: options.keys },
      { hint },
    );
  }
  let document: Keys = firstKeySet(await productNamed(options), now());
  for (const [role, files] of [
    ["root", root],
    ["release", release],
    ["offer", offer],
  ] as const)
    for (const file of files) document = addKey(document, await readPublicKey(file), [role]);
  for (const [role, count] of threshold) document = setThreshold(document, role, count);
  return finish(withPending(store, document), options, output);
}

/** Longest product name in a key set, in UTF-16 units (`schemas/protocol/key-set.schema.json`). */
const PRODUCT_LENGTH_MAX = 128;

/**
 * Returns the product that the key set is for. `deploy` refuses a key set of another product than the release line's.
 */
async function productNamed({ product, keys, manifest }: KeysInitOptions): Promise<string> {
  const file = manifest ?? join(dirname(resolve(keys)), "manifest.json");
  const ofLine = await productOfLine(file, product !== undefined && manifest === undefined);
  if (product === undefined || product === ofLine) return ofLine ?? "";
  if (ofLine !== undefined) {
    const message = `--product is ${JSON.stringify(product)}, but ${file} is the release line of ${JSON.stringify(ofLine)}`;
    const hint = "omit --product, or name another release line with --manifest";
    throw new OtaError("arguments/invalid", message, { option: "--product" }, { hint });
  }
  if (product !== "" && product.length <= PRODUCT_LENGTH_MAX) return product;
  const message = `--product must be 1 to ${PRODUCT_LENGTH_MAX} characters; it has ${product.length}`;
  throw new OtaError("arguments/invalid", message, { option: "--product" });
}

/** @returns `undefined` if the manifest is missing and may be. */
async function productOfLine(file: string, mayBeMissing: boolean): Promise<string | undefined> {
  try {
    return productOf((await loadRootManifest(file)).manifest, 0).product;
  } catch (error) {
    if (!isOtaError(error, "manifest/not-found")) throw error;
    if (mayBeMissing) return undefined;
    const hint = "without a manifest, name the product with --product";
    throw new OtaError(error.code, error.message, error.details, { cause: error, hint });
  }
}

/** Adds a key with roles to the key set (`keys add`). */
export async function runKeysAdd(
  file: string,
  options: KeysCommandOptions & { readonly role: readonly KeyRoleName[] },
  output: CommandOutput,
): Promise<number> {
  const key = await readPublicKey(file);
  return change((keys) => addKey(keys, key, options.role), options, output);
}

/** Revokes a key permanently (`keys revoke`). */
export async function runKeysRevoke(key: string, options: KeysCommandOptions, output: CommandOutput): Promise<number> {
  const keyid = await keyidOf(key);
  return change((keys) => revokeKey(keys, keyid), options, output);
}

/** Replaces a key with another one (`keys rotate`). */
export async function runKeysRotate(
  old: string,
  file: string,
  options: KeysCommandOptions & { readonly revoke?: boolean },
  output: CommandOutput,
): Promise<number> {
  const [keyid, key] = [await keyidOf(old), await readPublicKey(file)];
  return change((keys) => rotateKey(keys, keyid, key, options.revoke ?? false), options, output);
}

/** Sets the number of signatures that a role needs (`keys threshold`). */
export async function runKeysThreshold(
  role: KeyRoleName,
  count: number,
  options: KeysCommandOptions,
  output: CommandOutput,
): Promise<number> {
  return change((keys) => setThreshold(keys, role, count), options, output);
}

/** Signs the pending key set (`keys sign`). */
export async function runKeysSign(options: KeysCommandOptions, output: CommandOutput): Promise<number> {
  const store = await readKeyStore(options.keys);
  if (store.pending === undefined)
    throw new OtaError("signing/key-set-change", `${options.keys} has no pending key set to sign`, {});
  const signers = await openSigners(options, output, rootKeysOf(store));
  if (signers.length === 0)
    throw new OtaError("arguments/invalid", "keys sign needs a --sign-key or --sign-command", { option: "--sign-key" });
  return show(await signPendingKeySet(store, signers), output);
}

/** Prints the current and the pending key set (`keys show`). */
export async function runKeysShow(options: KeysCommandOptions, output: CommandOutput): Promise<number> {
  return show(await readKeyStore(options.keys), output);
}

async function change(step: (keys: Keys) => Keys, options: KeysCommandOptions, output: CommandOutput): Promise<number> {
  const store = await readKeyStore(options.keys);
  const current = store.sets.at(-1)?.keys.document;
  const base = store.pending?.keys.document ?? (current === undefined ? undefined : nextKeySet(current, now()));
  if (base === undefined) {
    const hint = "keys init creates the first one";
    throw new OtaError("signing/key-set-change", `${options.keys} holds no key set`, {}, { hint });
  }
  const voided = store.pending?.envelope.signatures.length ?? 0;
  const changed = withPending(store, { ...step(base), issued_at: now() });
  if (voided > 0) output.warn(`the pending key set changed; its ${voided} earlier signatures are no longer valid`);
  return finish(changed, options, output);
}

/** Opens the signers before it writes a file: if a signer can't be opened, nothing is written. */
async function finish(store: KeyStore, options: KeysCommandOptions, output: CommandOutput): Promise<number> {
  const signers = await openSigners(options, output, rootKeysOf(store));
  const { pending } = store;
  if (signers.length > 0 || pending === undefined) return show(await signPendingKeySet(store, signers), output);
  return show(await writeNextKeySet(store, pending.envelope), output);
}

function show(store: KeyStore, output: CommandOutput): number {
  output.printJson(keysDocument(store));
  if (!output.quiet) for (const line of keysText(store)) output.print(line);
  return ExitCode.done;
}

/** Returns the key id for a key id or a public key file. */
async function keyidOf(text: string): Promise<string> {
  if (/^[0-9a-f]{32}$/.test(text)) return text;
  const key: PublicKey = await readPublicKey(text);
  return key.keyid;
}

function now(): string {
  return new Date().toISOString();
}
