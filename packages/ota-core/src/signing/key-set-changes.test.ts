import { expect, test } from "vitest";
import { benchKeySet, createBenchKey } from "../../test/bench-keys.ts";
import { buildKeySet, parseKeySet } from "../messages/key-set.ts";
import { addKey, firstKeySet, nextKeySet, revokeKey, rolesOf, rotateKey, setThreshold } from "./key-set-changes.ts";

const [A, B, C] = [createBenchKey(), createBenchKey("ed25519"), createBenchKey()];
const SET = benchKeySet({ root: [[A, B], 1], release: [[B], 1], offer: [[A, B], 2] });
const UNKNOWN = "0".repeat(32);

test("a first set becomes valid key by key", () => {
  const empty = firstKeySet("TinyBMS Web Gateway", "2026-01-31T12:00:00Z");
  const alone = addKey(empty, A, ["root", "release", "offer"]);
  const document = setThreshold(addKey(alone, B, ["root"]), "root", 2);
  expect(parseKeySet(buildKeySet(document))).toEqual(document);
  expect(document).toMatchObject({ epoch: 1, roles: { root: { threshold: 2 }, offer: { keyids: [A.keyid] } } });
});

test("the next set differs only in its epoch", () => {
  expect(nextKeySet(SET, "2027-01-31T12:00:00Z")).toEqual({ ...SET, epoch: 2, issued_at: "2027-01-31T12:00:00Z" });
});

test("a key is added to the roles that it does not have", () => {
  const changed = addKey(SET, A, ["root", "release"]);
  expect(rolesOf(changed, A.keyid)).toEqual(["root", "release", "offer"]);
  expect(changed.roles.root.keyids).toEqual([A.keyid, B.keyid]);
});

test("a revoked key has no role and no record, and can't be added again", () => {
  const changed = revokeKey(setThreshold(SET, "offer", 1), A.keyid);
  expect(rolesOf(changed, A.keyid)).toEqual([]);
  expect(Object.keys(changed.records)).toEqual([B.keyid]);
  expect(changed.revoked).toEqual([A.keyid]);
  expect(() => addKey(changed, A, ["root"])).toThrow("a revoked key can't be added again");
  expect(() => revokeKey(changed, A.keyid)).toThrow("is revoked already");
});

test("a key replaces another in all its roles, without revoking it", () => {
  const changed = rotateKey(SET, B.keyid, C, false);
  expect(rolesOf(changed, C.keyid)).toEqual(["root", "release", "offer"]);
  expect(changed.revoked).toEqual([]);
  expect(parseKeySet(buildKeySet(changed))).toEqual(changed);
  expect(rotateKey(SET, B.keyid, C, true).revoked).toEqual([B.keyid]);
});

test.for([
  ["adding a key to roles that it has", () => addKey(SET, A, ["root"]), "has the role root already"],
  ["revoking an unknown key", () => revokeKey(SET, UNKNOWN), `has no key ${UNKNOWN}`],
  ["revoking what is no key's id", () => revokeKey(SET, "toString"), "has no key toString"],
  ["revoking the last key of a role", () => revokeKey(SET, B.keyid), "release would have 0 keys where 1 must sign"],
  ["revoking below a threshold", () => revokeKey(SET, A.keyid), "offer would have 1 key where 2 must sign"],
  ["rotating a key to itself", () => rotateKey(SET, A.keyid, A, false), "can't replace itself"],
  ["rotating to a key that has the roles", () => rotateKey(SET, A.keyid, B, false), "already"],
  ["rotating an unknown key", () => rotateKey(SET, UNKNOWN, C, false), "has no key"],
  ["a threshold of nobody", () => setThreshold(SET, "root", 0), "it must be 1 to 4"],
  ["a threshold beyond an envelope", () => setThreshold(SET, "root", 5), "it must be 1 to 4"],
  ["a threshold beyond the keys", () => setThreshold(SET, "root", 3), "root would have 2 keys where 3 must sign"],
] as const)("%s is refused with the reason", ([, change, text]) => {
  expect(change).toThrow(
    expect.objectContaining({ code: "signing/key-set-change", message: expect.stringContaining(text) }),
  );
});
