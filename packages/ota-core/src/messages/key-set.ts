import { fromBase64, toHex } from "../bytes.ts";
import { validateKeySet } from "../schemas/message-validators.generated.ts";
import type { KeySet } from "../schemas/types.generated.ts";
import { sha256 } from "../sha256.ts";
import { buildMessage, type Immutable, type MessageKind, malformedMessage, parseMessage } from "./json-message.ts";
import { MESSAGE_SIZE_MAX } from "./topics.ts";

const KEYS: MessageKind<KeySet> = { name: "keys", sizeMax: MESSAGE_SIZE_MAX.keys, validate: validateKeySet };

/**
 * Returns the id of a key in key sets and signatures: the first 16 bytes of the SHA-256 of its DER
 * SubjectPublicKeyInfo, in hexadecimal.
 */
export function keyIdOf(spki: Uint8Array): string {
  return toHex(sha256(spki).subarray(0, 16));
}

/**
 * Parses the payload of a key set envelope.
 *
 * Every record is stored under its key's own id, so that no key counts twice. Every role lists different keys that have
 * records, and at least as many as its threshold.
 *
 * @throws {@link OtaError} `protocol/too-large` if it exceeds 4096 bytes.
 * @throws {@link OtaError} `protocol/malformed` if it violates these rules or its schema.
 */
export function parseKeySet(payload: Uint8Array): KeySet {
  const keys = parseMessage(payload, KEYS);
  checkRecords(keys);
  checkRoles(keys);
  return keys;
}

/**
 * Builds the payload of a key set envelope.
 *
 * @throws {@link OtaError} `protocol/too-large` if it exceeds 4096 bytes.
 * @throws {@link OtaError} `protocol/malformed` if {@link parseKeySet} would refuse it.
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
    if (der === undefined) throw malformedMessage(KEYS.name, path, `${path} is not canonical base64`);
    const actual = keyIdOf(der);
    if (actual !== keyid)
      throw malformedMessage(
        KEYS.name,
        path,
        `the key under ${keyid} has the id ${actual}; it must be stored under its own id`,
      );
  }
}

function checkRoles({ roles, records }: Immutable<KeySet>): void {
  for (const name of ["root", "release", "offer"] as const) {
    const { keyids, threshold } = roles[name];
    const path = `/roles/${name}`;
    const unknown = keyids.find((keyid) => !Object.hasOwn(records, keyid));
    if (unknown !== undefined)
      throw malformedMessage(KEYS.name, `${path}/keyids`, `role ${name} lists ${unknown}, which has no record`);
    if (new Set(keyids).size !== keyids.length)
      throw malformedMessage(KEYS.name, `${path}/keyids`, `role ${name} lists a key twice`);
    if (threshold > keyids.length)
      throw malformedMessage(
        KEYS.name,
        `${path}/threshold`,
        `role ${name} needs ${threshold} signatures; it has ${keyids.length} keys`,
      );
  }
}
