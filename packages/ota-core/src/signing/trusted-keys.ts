import { assert } from "../assert.ts";
import { fromBase64 } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import type { Immutable } from "../messages/json-message.ts";
import type { KeySet } from "../schemas/types.generated.ts";
import { type PublicKey, parsePublicKey } from "./public-key.ts";

/** Role of a key: `root` signs key sets, `release` signs releases, `offer` signs offers. */
export type KeyRoleName = "offer" | "release" | "root";

/** All roles, from most to least trusted. */
export const KEY_ROLES: readonly KeyRoleName[] = ["root", "release", "offer"];

/** A key set with checked keys, ready for verification. */
export interface TrustedKeys {
  readonly document: Immutable<KeySet>;
  readonly roles: Readonly<Record<KeyRoleName, TrustedRole>>;
}

/** The keys of one role, without revoked ones. */
export interface TrustedRole {
  readonly keys: readonly PublicKey[];
  /** Number of different keys that must sign. */
  readonly threshold: number;
}

/**
 * Checks the keys of a key set and prepares them for verification. Does not verify who signed the set.
 *
 * @param document - A key set that `parseKeySet` or `buildKeySet` has checked.
 * @throws {@link OtaError} `signing/key-malformed` if a key is invalid.
 * @throws {@link OtaError} `signing/key-unsupported` if a key has an unsupported type, or its record states another
 *   algorithm.
 */
export function trustKeys(document: Immutable<KeySet>): TrustedKeys {
  const keys = new Map<string, PublicKey>();
  for (const [keyid, record] of Object.entries(document.records)) keys.set(keyid, readRecord(keyid, record));
  const roleOf = (name: KeyRoleName): TrustedRole => {
    const { keyids, threshold } = document.roles[name];
    const valid = keyids.filter((keyid) => !document.revoked.includes(keyid));
    return { keys: valid.flatMap((keyid) => keys.get(keyid) ?? []), threshold };
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
