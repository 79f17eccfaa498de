import { join } from "node:path";
import type { CommandOutput } from "@tinybms/cli-kit/output";
import { OtaError } from "@tinybms/ota-core";
import {
  buildEnvelope,
  type Envelope,
  type Signer,
  signEnvelope,
  type TrustedKeys,
  verifyEnvelope,
  verifySignature,
} from "@tinybms/ota-core/signing";
import { readKeyStore, type StoredKeySet } from "./key-store.ts";
import { openSigners, type SigningOptions } from "./signers.ts";

/** Signers of offers, and the key sets that devices check them against. */
export interface OfferSigning {
  readonly signers: readonly Signer[];
  /** Key sets of the product, the current one last. Without any, signatures are not checked. */
  readonly keySets: readonly StoredKeySet[];
}

/** Options of commands that create offers. */
export interface OfferSigningOptions extends SigningOptions {
  /** Folder of the key sets. @defaultValue `keys` next to the root manifest */
  readonly keys?: string | undefined;
}

/** Unsigned offers, for devices without a key set. */
export const UNSIGNED: OfferSigning = { signers: [], keySets: [] };

/**
 * Opens the signers of an offer and reads the key sets.
 *
 * @param manifestFolder - Folder of the root manifest.
 * @param product - Name of the product.
 * @throws {@link OtaError} `signing/unsigned` if there is a key set but no signer; `signing/key-set-product` for a key
 *   set of another product; `signing/key-set-unreadable` if `--keys` names a folder without key sets; the codes of
 *   `readKeyStore` and `openSigners`.
 */
export async function openOfferSigning(
  options: OfferSigningOptions,
  manifestFolder: string,
  product: string,
  output: CommandOutput,
): Promise<OfferSigning> {
  const { keySets } = await openKeySets(options, manifestFolder, product, output);
  const current = keySets.at(-1);
  const signers = await openSigners(options, output, current?.keys.roles.offer.keys);
  if (current !== undefined && signers.length === 0) {
    const message = `devices that have key set ${epochOf(current)} (${current.file}) take signed offers only`;
    const hint = "--sign-key names the private key of an offer key, --sign-command a program that has it";
    throw new OtaError("signing/unsigned", message, { kind: "offer" }, { hint });
  }
  if (current === undefined && signers.length > 0) {
    const folder = keysFolderOf(options, manifestFolder);
    output.warn(`there is no key set in ${folder}: whether devices trust the signature is not checked`);
  }
  return { signers, keySets };
}

/**
 * Reads the key sets that the signatures of offers are checked against. Parameters as for {@link openOfferSigning}.
 *
 * @returns No signers.
 * @throws {@link OtaError} `signing/key-set-product`; `signing/key-set-unreadable`; the codes of `readKeyStore`.
 */
export async function openKeySets(
  options: Pick<OfferSigningOptions, "keys">,
  manifestFolder: string,
  product: string,
  output: CommandOutput,
): Promise<OfferSigning> {
  const folder = keysFolderOf(options, manifestFolder);
  const { sets: keySets, pending } = await readKeyStore(folder);
  const current = keySets.at(-1);
  if (current === undefined && options.keys !== undefined) {
    const hint =
      pending === undefined
        ? "check --keys, or make the first key set with tinybms-ota keys init"
        : "tinybms-ota keys sign completes the pending one";
    const message = `${folder} holds no key set that is complete`;
    throw new OtaError("signing/key-set-unreadable", message, { file: folder }, { hint });
  }
  if (current !== undefined) checkProduct(current, product);
  if (pending !== undefined && current !== undefined) {
    output.warn(`${pending.file} waits for signatures; until it has them, key set ${epochOf(current)} counts`);
  }
  return { signers: [], keySets };
}

function keysFolderOf({ keys }: Pick<OfferSigningOptions, "keys">, manifestFolder: string): string {
  return keys ?? join(manifestFolder, "keys");
}

/** Returns the current key set. */
export function currentKeys({ keySets }: OfferSigning): TrustedKeys | undefined {
  return keySets.at(-1)?.keys;
}

/**
 * Signs an offer and checks that devices will accept its signatures.
 *
 * @returns The bytes of the envelope.
 * @throws {@link OtaError} The codes of `verifyEnvelope`.
 * @throws The errors of a signer.
 */
export async function sealOffer(payload: Uint8Array, signing: OfferSigning): Promise<Uint8Array> {
  const envelope = await signEnvelope("offer", { payload, signatures: [] }, signing.signers);
  const keys = currentKeys(signing);
  if (keys !== undefined) verifyEnvelope(envelope, "offer", keys, verifySignature);
  return buildEnvelope(envelope.payload, envelope.signatures);
}

/** Returns `true` if devices would accept an offer. Without a key set, they accept every offer. */
export function isTrustedOffer(envelope: Envelope, signing: OfferSigning): boolean {
  const keys = currentKeys(signing);
  if (keys === undefined) return true;
  try {
    verifyEnvelope(envelope, "offer", keys, verifySignature);
    return true;
  } catch (error) {
    if (error instanceof OtaError) return false;
    throw error;
  }
}

function checkProduct({ file, keys: { document } }: StoredKeySet, product: string): void {
  if (document.product === product) return;
  const [expected, found] = [product, document.product];
  const message = `${file} is the key set of ${JSON.stringify(found)}; the manifest's product is ${JSON.stringify(expected)}`;
  const hint = "--keys names the folder of this product's key sets";
  throw new OtaError("signing/key-set-product", message, { expected, found }, { hint });
}

function epochOf({ keys }: StoredKeySet): number {
  return keys.document.epoch;
}
