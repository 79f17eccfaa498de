import { OtaError } from "@tinybms/ota-core";
import { type Envelope, type PublicKey, type Signer, signEnvelope, type TrustedKeys } from "@tinybms/ota-core/signing";
import { type KeyStore, type PendingKeySet, writeNextKeySet } from "./key-store.ts";

/**
 * Signs the pending key set with each signer and writes it after each one, so that an error does not lose earlier
 * signatures.
 *
 * @returns The new content of the folder, without a pending key set once all required signatures exist.
 * @throws {@link OtaError} `signing/wrong-role` for a key that is not a root key of either key set;
 *   `signing/key-set-change` if its signature is not needed.
 * @throws The errors of a signer.
 */
export async function signPendingKeySet(store: KeyStore, signers: readonly Signer[]): Promise<KeyStore> {
  let now = store;
  for (const signer of signers) {
    const { pending } = now;
    if (pending === undefined) throw change(`key set ${epochOf(now)} is complete; it needs no more signatures`);
    const envelope = await signEnvelope("keys", pending.envelope, [signer]);
    const added = envelope.signatures.at(-1)?.keyid ?? "";
    checkSigner(added, pending);
    now = await writeNextKeySet(now, sortedOut(envelope, pending));
  }
  return now;
}

/** Returns the root keys that may sign the pending key set: those of the current and of the pending one. */
export function rootKeysOf({ sets, pending }: Pick<KeyStore, "sets" | "pending">): readonly PublicKey[] {
  const both: readonly (TrustedKeys | undefined)[] = [sets.at(-1)?.keys, pending?.keys];
  const keys = new Map(both.flatMap((it) => it?.roles.root.keys.map((key) => [key.keyid, key] as const) ?? []));
  return [...keys.values()];
}

function checkSigner(keyid: string, { keys, progress }: PendingKeySet): void {
  const mine = progress.filter(({ signed, missing }) => [...signed, ...missing].includes(keyid));
  if (mine.length === 0) {
    const message = `key ${keyid} is no root key, neither of key set ${keys.document.epoch} nor of the one before`;
    throw new OtaError("signing/wrong-role", message, { kind: "keys", keyid });
  }
  const isNeeded = mine.some(({ signed, needed }) => signed.includes(keyid) || signed.length < needed);
  if (!isNeeded) throw change(`enough of the keys that ${keyid} belongs to have signed; others are missing`);
}

/** Drops signatures that count for neither key set, because they would use up the places of others. */
function sortedOut({ payload, signatures }: Envelope, { progress }: PendingKeySet): Envelope {
  const counting = progress.flatMap(({ signed }) => signed);
  const last = signatures.length - 1;
  return { payload, signatures: signatures.filter(({ keyid }, index) => index === last || counting.includes(keyid)) };
}

function epochOf({ sets }: KeyStore): number {
  return sets.at(-1)?.keys.document.epoch ?? 0;
}

function change(message: string): OtaError<"signing/key-set-change"> {
  return new OtaError("signing/key-set-change", message, {});
}
