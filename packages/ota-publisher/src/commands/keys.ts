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

/** What every `tinybms-ota keys` command has. */
export interface KeysCommandOptions extends OutputOptions, SigningOptions {
  /** The folder of key sets. */
  readonly keys: string;
}

/** Options of `keys init`, as commander reads them. */
export interface KeysInitOptions extends KeysCommandOptions {
  /** Without it the manifest's. */
  readonly product?: string;
  /** The root manifest; without it `manifest.json` beside the folder of key sets. */
  readonly manifest?: string;
  /** Files of public keys; without release or offer keys the root keys have these roles too. */
  readonly root: readonly string[];
  readonly release?: readonly string[];
  readonly offer?: readonly string[];
  readonly threshold?: readonly (readonly [KeyRoleName, number])[];
}

type Keys = Immutable<KeySet>;

/**
 * `keys init`: the first key set of a product.
 *
 * @throws OtaError `signing/key-exists` where the folder has key sets; `signing/…`; `arguments/invalid` and `manifest/…` for the product.
 */
export async function runKeysInit(options: KeysInitOptions, output: CommandOutput): Promise<number> {
  const { root, release = root, offer = root, threshold = [] } = options;
  const store = await readKeyStore(options.keys);
  if (store.sets.length > 0 || store.pending !== undefined) {
    const hint = "keys add, revoke, rotate and threshold make the next key set";
    throw new OtaError(
      "signing/key-exists",
      `${options.keys} holds key sets already`,
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

/** What `product` of a key set may have in UTF-16 units (`schemas/protocol/key-set.schema.json`). */
const PRODUCT_LENGTH_MAX = 128;

/** The product of the release line that the key set is for. `deploy` refuses a key set of another product. */
async function productNamed({ product, keys, manifest }: KeysInitOptions): Promise<string> {
  const file = manifest ?? join(dirname(resolve(keys)), "manifest.json");
  const ofLine = await productOfLine(file, product !== undefined && manifest === undefined);
  if (product === undefined || product === ofLine) return ofLine ?? "";
  if (ofLine !== undefined) {
    const message = `--product is ${JSON.stringify(product)}, but ${file} is the release line of ${JSON.stringify(ofLine)}`;
    const hint = "leave --product out; --manifest names another release line";
    throw new OtaError("arguments/invalid", message, { option: "--product" }, { hint });
  }
  if (product !== "" && product.length <= PRODUCT_LENGTH_MAX) return product;
  const message = `--product must be 1 to ${PRODUCT_LENGTH_MAX} characters; it has ${product.length}`;
  throw new OtaError("arguments/invalid", message, { option: "--product" });
}

/** @returns `undefined` where there may be no manifest and there is none. */
async function productOfLine(file: string, mayBeMissing: boolean): Promise<string | undefined> {
  try {
    return productOf((await loadRootManifest(file)).manifest, 0).product;
  } catch (error) {
    if (!isOtaError(error, "manifest/not-found")) throw error;
    if (mayBeMissing) return undefined;
    const hint = "--product names the product where there is no manifest yet";
    throw new OtaError(error.code, error.message, error.details, { cause: error, hint });
  }
}

/** `keys add`: trusts a key for roles. */
export async function runKeysAdd(
  file: string,
  options: KeysCommandOptions & { readonly role: readonly KeyRoleName[] },
  output: CommandOutput,
): Promise<number> {
  const key = await readPublicKey(file);
  return change((keys) => addKey(keys, key, options.role), options, output);
}

/** `keys revoke`: trusts a key for nothing any more, for good. */
export async function runKeysRevoke(key: string, options: KeysCommandOptions, output: CommandOutput): Promise<number> {
  const keyid = await keyidOf(key);
  return change((keys) => revokeKey(keys, keyid), options, output);
}

/** `keys rotate`: puts one key in another's place. */
export async function runKeysRotate(
  old: string,
  file: string,
  options: KeysCommandOptions & { readonly revoke?: boolean },
  output: CommandOutput,
): Promise<number> {
  const [keyid, key] = [await keyidOf(old), await readPublicKey(file)];
  return change((keys) => rotateKey(keys, keyid, key, options.revoke ?? false), options, output);
}

/** `keys threshold`: how many keys of a role must sign. */
export async function runKeysThreshold(
  role: KeyRoleName,
  count: number,
  options: KeysCommandOptions,
  output: CommandOutput,
): Promise<number> {
  return change((keys) => setThreshold(keys, role, count), options, output);
}

/** `keys sign`: one signer after the other signs the pending key set. */
export async function runKeysSign(options: KeysCommandOptions, output: CommandOutput): Promise<number> {
  const store = await readKeyStore(options.keys);
  if (store.pending === undefined)
    throw new OtaError("signing/key-set-change", `${options.keys} has no pending key set to sign`, {});
  const signers = await openSigners(options, output, rootKeysOf(store));
  if (signers.length === 0)
    throw new OtaError("arguments/invalid", "keys sign needs a --sign-key or --sign-command", { option: "--sign-key" });
  return show(await signPendingKeySet(store, signers), output);
}

/** `keys show`: the current key set and the pending one. */
export async function runKeysShow(options: KeysCommandOptions, output: CommandOutput): Promise<number> {
  return show(await readKeyStore(options.keys), output);
}

async function change(step: (keys: Keys) => Keys, options: KeysCommandOptions, output: CommandOutput): Promise<number> {
  const store = await readKeyStore(options.keys);
  const current = store.sets.at(-1)?.keys.document;
  const base = store.pending?.keys.document ?? (current === undefined ? undefined : nextKeySet(current, now()));
  if (base === undefined) {
    const hint = "keys init makes the first one";
    throw new OtaError("signing/key-set-change", `${options.keys} holds no key set`, {}, { hint });
  }
  const voided = store.pending?.envelope.signatures.length ?? 0;
  const changed = withPending(store, { ...step(base), issued_at: now() });
  if (voided > 0) output.warn(`the pending key set is another now; ${voided} signatures that it had are void`);
  return finish(changed, options, output);
}

/** Signers are opened before a file is touched: what can't be signed as it was asked for isn't kept either. */
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

/** A key as people name it: by its id, or by its public key's file. */
async function keyidOf(text: string): Promise<string> {
  if (/^[0-9a-f]{32}$/.test(text)) return text;
  const key: PublicKey = await readPublicKey(text);
  return key.keyid;
}

function now(): string {
  return new Date().toISOString();
}
