import { OtaError } from "@tinybms/ota-core";
import { type Envelope, type PublicKey, type Signer, signEnvelope, type TrustedKeys } from "@tinybms/ota-core/signing";
import { type KeyStore, type PendingKeySet, writeNextKeySet } from "./key-store.ts";

/**
 * Lets signers sign the pending key set, and writes it after each, so that nobody's signature is lost with the next
 * one's mistake.
 *
 * @returns The folder as it is then: without a pending set if all have signed who must.
 * @throws OtaError `signing/wrong-role` for a key that is a root key of neither set; `signing/key-set-change` for one
 *   whose signature is not needed; what a signer throws.
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

/** The root keys that may sign the pending set: of the current set and of the pending one itself. */
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

/** Signatures that stand in the file but count on no side would take the places of others. */
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
