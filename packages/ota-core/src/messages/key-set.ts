import { fromBase64, toHex } from "../bytes.ts";
import type { KeySet } from "../schemas/types.generated.ts";
import { validateKeySet } from "../schemas/validators.generated.ts";
import { sha256 } from "../sha256.ts";
import { buildMessage, type Immutable, type MessageKind, malformedMessage, parseMessage } from "./json-message.ts";
import { MESSAGE_SIZE_MAX } from "./topics.ts";

const KEYS: MessageKind<KeySet> = { name: "keys", sizeMax: MESSAGE_SIZE_MAX.keys, validate: validateKeySet };

/** How key sets and signatures name a key: the first 16 bytes of the SHA-256 of its DER SubjectPublicKeyInfo, in hex. */
export function keyIdOf(spki: Uint8Array): string {
  return toHex(sha256(spki).subarray(0, 16));
}

/**
 * Reads the payload of a key set envelope. Each key stands under its own id, so that none counts twice; each role names
 * different keys with records, and at least as many as must sign.
 *
 * @throws OtaError `protocol/too-large` or `protocol/malformed`.
 */
export function parseKeySet(payload: Uint8Array): KeySet {
  const keys = parseMessage(payload, KEYS);
  checkRecords(keys);
  checkRoles(keys);
  return keys;
}

/**
 * The payload of a key set envelope.
 *
 * @throws OtaError `protocol/too-large` or `protocol/malformed` where no device would take it.
 */
export function buildKeySet(keys: Immutable<KeySet>): Uint8Array {
  const payload = buildMessage(keys, KEYS);
  checkRecords(keys);
  checkRoles(keys);
  return payload;
}

function checkRecords({ records }: Immutable<KeySet>): void {
  for (const [keyid, { spki }] of Object.entries(records)) {
    const path = `/records/${keyid}/spki`;
    const der = fromBase64(spki);
    if (der === undefined) throw malformedMessage(KEYS.name, path, `${path} is no canonical base64`);
    const actual = keyIdOf(der);
    if (actual !== keyid)
      throw malformedMessage(
        KEYS.name,
        path,
        `the key under ${keyid} has the id ${actual}; it must stand under its own`,
      );
  }
}

function checkRoles({ roles, records }: Immutable<KeySet>): void {
  for (const name of ["root", "release", "offer"] as const) {
    const { keyids, threshold } = roles[name];
    const path = `/roles/${name}`;
    const unknown = keyids.find((keyid) => !Object.hasOwn(records, keyid));
    if (unknown !== undefined)
      throw malformedMessage(KEYS.name, `${path}/keyids`, `role ${name} names ${unknown}; records holds no such key`);
    if (new Set(keyids).size !== keyids.length)
      throw malformedMessage(KEYS.name, `${path}/keyids`, `role ${name} names a key twice`);
    if (threshold > keyids.length)
      throw malformedMessage(
        KEYS.name,
        `${path}/threshold`,
        `role ${name} needs ${threshold} signatures; it has ${keyids.length} keys`,
      );
  }
}
