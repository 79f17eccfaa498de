import { assert } from "../assert.ts";
import { fromBase64 } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import type { Immutable } from "../messages/json-message.ts";
import type { KeySet } from "../schemas/types.generated.ts";
import { type PublicKey, parsePublicKey } from "./public-key.ts";

/** What a key may be trusted for: key sets, what an image is, who gets it when. */
export type KeyRoleName = "offer" | "release" | "root";

/** All roles, in the order in which trust flows. */
export const KEY_ROLES: readonly KeyRoleName[] = ["root", "release", "offer"];

/** A key set whose keys were checked and are ready to verify with. */
export interface TrustedKeys {
  readonly document: Immutable<KeySet>;
  readonly roles: Readonly<Record<KeyRoleName, TrustedRole>>;
}

/** The keys of one role that count: those that are revoked don't. */
export interface TrustedRole {
  readonly keys: readonly PublicKey[];
  /** How many different keys must have signed. */
  readonly threshold: number;
}

/**
 * Makes the keys of a key set ready to verify with. Says nothing about who signed the set.
 *
 * @param document - As `parseKeySet` or `buildKeySet` checked it.
 * @throws OtaError `signing/key-malformed` or `signing/key-unsupported`, for a record that states another algorithm than
 *   its key has too.
 */
export function trustKeys(document: Immutable<KeySet>): TrustedKeys {
  const keys = new Map<string, PublicKey>();
  for (const [keyid, record] of Object.entries(document.records)) keys.set(keyid, readRecord(keyid, record));
  const roleOf = (name: KeyRoleName): TrustedRole => {
    const { keyids, threshold } = document.roles[name];
    const counting = keyids.filter((keyid) => !document.revoked.includes(keyid));
    return { keys: counting.flatMap((keyid) => keys.get(keyid) ?? []), threshold };
  };
  return { document, roles: { root: roleOf("root"), release: roleOf("release"), offer: roleOf("offer") } };
}

function readRecord(keyid: string, { alg, spki }: Immutable<KeySet["records"][string]>): PublicKey {
  const der = fromBase64(spki);
  assert(der !== undefined, "the codec of key sets checked the base64");
  const key = parsePublicKey(der);
  if (key.alg === alg) return key;
  const message = `the key set records ${keyid} as ${alg}; its key is for ${key.alg}`;
  throw new OtaError("signing/key-unsupported", message, { type: alg });
}
