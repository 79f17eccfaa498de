import { toBase64 } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { SIGNATURES_MAX } from "../messages/envelope.ts";
import type { Immutable } from "../messages/json-message.ts";
import type { KeyRole, KeySet } from "../schemas/types.generated.ts";
import type { PublicKey } from "./public-key.ts";
import { KEY_ROLES, type KeyRoleName } from "./trusted-keys.ts";

type Keys = Immutable<KeySet>;

/** The first set of a product, which trusts nobody yet: keys and thresholds are added to it. */
export function firstKeySet(product: string, issuedAt: string): Keys {
  const nobody: Immutable<KeyRole> = { keyids: [], threshold: 1 };
  const roles = { root: nobody, release: nobody, offer: nobody };
  return { keys: 1, product, epoch: 1, issued_at: issuedAt, revoked: [], roles, records: {} };
}

/** The set that follows another, with nothing changed yet. */
export function nextKeySet(current: Keys, issuedAt: string): Keys {
  return { ...current, epoch: current.epoch + 1, issued_at: issuedAt };
}

/**
 * Trusts a key for roles, besides what it is trusted for already.
 *
 * @throws OtaError `signing/key-set-change` where it was revoked, or has these roles.
 */
export function addKey(keys: Keys, key: PublicKey, roles: readonly KeyRoleName[]): Keys {
  const { keyid } = key;
  if (keys.revoked.includes(keyid)) throw refused(`key ${keyid} was revoked; a revoked key never comes back`);
  if (roles.every((name) => keys.roles[name].keyids.includes(keyid)))
    throw refused(`key ${keyid} has the role ${roles.join(" and ")} already`);
  const changed = changeRoles(keys, (role, name) => {
    const isNew = roles.includes(name) && !role.keyids.includes(keyid);
    return isNew ? { ...role, keyids: [...role.keyids, keyid] } : role;
  });
  return { ...changed, records: { ...keys.records, [keyid]: { alg: key.alg, spki: toBase64(key.spki) } } };
}

/**
 * Takes a key out of every role, for good: what it signs counts nowhere any more.
 *
 * @throws OtaError `signing/key-set-change` where the set holds no such key, or a role would keep too few.
 */
export function revokeKey(keys: Keys, keyid: string): Keys {
  if (keys.revoked.includes(keyid)) throw refused(`key ${keyid} is revoked already`);
  const changed = removeKey(keys, keyid);
  for (const name of KEY_ROLES) checkRole(name, changed.roles[name]);
  return { ...changed, revoked: [...keys.revoked, keyid] };
}

/**
 * Puts one key in another's place, in every role that it has.
 *
 * @param revoke - Revoke the old one too: it was lost to somebody.
 * @throws OtaError `signing/key-set-change`.
 */
export function rotateKey(keys: Keys, keyid: string, key: PublicKey, revoke: boolean): Keys {
  if (key.keyid === keyid) throw refused(`${keyid} can't take its own place`);
  const roles = rolesOf(keys, keyid);
  const changed = addKey(removeKey(keys, keyid), key, roles);
  return revoke ? { ...changed, revoked: [...changed.revoked, keyid] } : changed;
}

/**
 * Sets how many different keys must sign what a role signs.
 *
 * @throws OtaError `signing/key-set-change` where they would be none, or more than there are, or than an envelope holds.
 */
export function setThreshold(keys: Keys, role: KeyRoleName, threshold: number): Keys {
  const changed = changeRoles(keys, (it, name) => (name === role ? { ...it, threshold } : it));
  checkRole(role, changed.roles[role]);
  return changed;
}

/** The roles that a key has in a set. */
export function rolesOf(keys: Keys, keyid: string): readonly KeyRoleName[] {
  return KEY_ROLES.filter((name) => keys.roles[name].keyids.includes(keyid));
}

function removeKey(keys: Keys, keyid: string): Keys {
  if (!Object.hasOwn(keys.records, keyid)) {
    const known = Object.keys(keys.records).join(", ");
    throw refused(`key set ${keys.epoch} holds no key ${keyid}; it holds ${known}`);
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

function checkRole(name: KeyRoleName, { keyids, threshold }: Immutable<KeyRole>): void {
  if (threshold < 1 || threshold > SIGNATURES_MAX)
    throw refused(`the threshold of ${name} can't be ${threshold}; it must be 1 to ${SIGNATURES_MAX}`);
  if (keyids.length >= threshold) return;
  const left = `${name} would have ${keyids.length} ${keyids.length === 1 ? "key" : "keys"} where ${threshold} must sign`;
  throw refused(`the role ${left}; add another key first (keys add), put one in its place (keys rotate), or lower it`);
}

function refused(message: string): OtaError<"signing/key-set-change"> {
  return new OtaError("signing/key-set-change", message, {});
}
