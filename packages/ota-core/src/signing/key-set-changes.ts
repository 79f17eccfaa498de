import { toBase64 } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { SIGNATURES_MAX } from "../messages/envelope.ts";
import type { Immutable } from "../messages/json-message.ts";
import type { KeyRole, KeySet } from "../schemas/types.generated.ts";
import type { PublicKey } from "./public-key.ts";
import { KEY_ROLES, type KeyRoleName } from "./trusted-keys.ts";

type Keys = Immutable<KeySet>;

/**
 * Creates the first key set of a product, without keys. Add keys with {@link addKey} and thresholds with
 * {@link setThreshold}.
 */
export function firstKeySet(product: string, issuedAt: string): Keys {
  const empty: Immutable<KeyRole> = { keyids: [], threshold: 1 };
  const roles = { root: empty, release: empty, offer: empty };
  return { keys: 1, product, epoch: 1, issued_at: issuedAt, revoked: [], roles, records: {} };
}

/** Creates the next key set: the same set with the next epoch. */
export function nextKeySet(current: Keys, issuedAt: string): Keys {
  return { ...current, epoch: current.epoch + 1, issued_at: issuedAt };
}

/**
 * Adds a key to roles. Other roles of the key stay.
 *
 * @throws {@link OtaError} `signing/key-set-change` if the key was revoked or has all of these roles already.
 */
export function addKey(keys: Keys, key: PublicKey, roles: readonly KeyRoleName[]): Keys {
  const { keyid } = key;
  if (keys.revoked.includes(keyid)) throw refused(`key ${keyid} was revoked; a revoked key can't be added again`);
  if (roles.every((name) => keys.roles[name].keyids.includes(keyid)))
    throw refused(`key ${keyid} has the role ${roles.join(" and ")} already`);
  const changed = changeRoles(keys, (role, name) => {
    const isNew = roles.includes(name) && !role.keyids.includes(keyid);
    return isNew ? { ...role, keyids: [...role.keyids, keyid] } : role;
  });
  return { ...changed, records: { ...keys.records, [keyid]: { alg: key.alg, spki: toBase64(key.spki) } } };
}

/**
 * Revokes a key permanently: removes it from every role and invalidates its signatures.
 *
 * @throws {@link OtaError} `signing/key-set-change` if the key is not in the set or is revoked already, or if a role
 *   would have fewer keys than its threshold.
 */
export function revokeKey(keys: Keys, keyid: string): Keys {
  if (keys.revoked.includes(keyid)) throw refused(`key ${keyid} is revoked already`);
  const changed = removeKey(keys, keyid);
  for (const name of KEY_ROLES) assertRole(name, changed.roles[name]);
  return { ...changed, revoked: [...keys.revoked, keyid] };
}

/**
 * Replaces a key by another one in all of its roles.
 *
 * @param keyid - Id of the key to replace.
 * @param key - Its replacement.
 * @param revoke - Whether to revoke the old key too, because it is compromised.
 * @throws {@link OtaError} `signing/key-set-change` if the old key is not in the set, or the new one is the same,
 *   revoked or has these roles already.
 */
export function rotateKey(keys: Keys, keyid: string, key: PublicKey, revoke: boolean): Keys {
  if (key.keyid === keyid) throw refused(`key ${keyid} can't replace itself`);
  const roles = rolesOf(keys, keyid);
  const changed = addKey(removeKey(keys, keyid), key, roles);
  return revoke ? { ...changed, revoked: [...changed.revoked, keyid] } : changed;
}

/**
 * Sets the number of different keys that must sign for a role.
 *
 * @throws {@link OtaError} `signing/key-set-change` if the threshold is below 1, above the number of keys or above the
 *   maximum number of signatures.
 */
export function setThreshold(keys: Keys, role: KeyRoleName, threshold: number): Keys {
  const changed = changeRoles(keys, (it, name) => (name === role ? { ...it, threshold } : it));
  assertRole(role, changed.roles[role]);
  return changed;
}

/** Returns the roles that a key has in a set. */
export function rolesOf(keys: Keys, keyid: string): readonly KeyRoleName[] {
  return KEY_ROLES.filter((name) => keys.roles[name].keyids.includes(keyid));
}

function removeKey(keys: Keys, keyid: string): Keys {
  if (!Object.hasOwn(keys.records, keyid)) {
    const known = Object.keys(keys.records).join(", ");
    throw refused(`key set ${keys.epoch} has no key ${keyid}; it has ${known}`);
  }
  const changed = changeRoles(keys, (role) => ({ ...role, keyids: role.keyids.filter((it) => it !== keyid) }));
  const records = Object.entries(keys.records).filter(([it]) => it !== keyid);
  return { ...changed, records: Object.fromEntries(records) };
}

function changeRoles(keys: Keys, change: (role: Immutable<KeyRole>, name: KeyRoleName) => Immutable<KeyRole>): Keys {
  const { root, release, offer } = keys.roles;
  const roles = { root: change(root, "root"), release: change(release, "release"), offer: change(offer, "offer") };
  return { ...keys, roles };
}

function assertRole(name: KeyRoleName, { keyids, threshold }: Immutable<KeyRole>): void {
  if (threshold < 1 || threshold > SIGNATURES_MAX)
    throw refused(`the threshold of ${name} can't be ${threshold}; it must be 1 to ${SIGNATURES_MAX}`);
  if (keyids.length >= threshold) return;
  const left = `${name} would have ${keyids.length} ${keyids.length === 1 ? "key" : "keys"} where ${threshold} must sign`;
  throw refused(
    `the role ${left}; first add another key (keys add), replace the key (keys rotate), or lower the threshold`,
  );
}

function refused(message: string): OtaError<"signing/key-set-change"> {
  return new OtaError("signing/key-set-change", message, {});
}
