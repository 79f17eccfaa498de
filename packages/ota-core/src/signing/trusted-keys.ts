import { assert } from "../assert.ts";
import { fromBase64 } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import type { Immutable } from "../messages/json-message.ts";
import type { KeySet } from "../schemas/types.generated.ts";
import { type PublicKey, parsePublicKey, type SignatureAlgorithm } from "./public-key.ts";

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

/**
 * Leaves out the keys whose algorithm a device doesn't have.
 *
 * @throws {@link OtaError} `signing/unsupported-algorithm` if the keys of a role that remain are fewer than its
 *   threshold: the device could never verify anything that the role signs.
 */
export function withAlgorithms(keys: TrustedKeys, algorithms: readonly SignatureAlgorithm[]): TrustedKeys {
  const { document, roles } = keys;
  for (const role of KEY_ROLES) {
    const { keyids, threshold } = document.roles[role];
    const usable = keyids.filter((keyid) => algorithms.some((alg) => alg === document.records[keyid]?.alg));
    if (usable.length >= threshold) continue;
    const message = `role ${role} of key set ${document.epoch} needs ${threshold} signatures; this device has the algorithms of ${usable.length} of its keys (${algorithms.join(", ")})`;
    throw new OtaError("signing/unsupported-algorithm", message, { kind: "keys", role });
  }
  const usableOf = ({ keys: all, threshold }: TrustedRole): TrustedRole => ({
    keys: all.filter(({ alg }) => algorithms.includes(alg)),
    threshold,
  });
  const { root, release, offer } = roles;
  return { document, roles: { root: usableOf(root), release: usableOf(release), offer: usableOf(offer) } };
}

function readRecord(keyid: string, { alg, spki }: Immutable<KeySet["records"][string]>): PublicKey {
  const der = fromBase64(spki);
  assert(der !== undefined, "the codec of key sets checked the base64");
  const key = parsePublicKey(der);
  if (key.alg === alg) return key;
  const message = `the key set records ${keyid} as ${alg}; its key is for ${key.alg}`;
  throw new OtaError("signing/key-unsupported", message, { type: alg });
}
