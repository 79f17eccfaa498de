import { utf8 } from "../bytes.ts";
import { isOtaError, OtaError } from "../errors.ts";
import { envelopeToJson, parseEnvelope } from "../messages/envelope.ts";
import { MESSAGE_SIZE_MAX } from "../messages/topics.ts";
import type { NvsPairInput } from "../nvs/nvs-entry-input.ts";
import { readNvsPartition } from "../nvs/nvs-partition.ts";
import type { Provisioning } from "../schemas/types.generated.ts";
import { checkProvisioning, invalidProvisioning } from "./provisioning.ts";

/** NVS namespace of a device's provisioning. */
export const PROVISIONING_NAMESPACE = "tinybms";

/** A key in {@link PROVISIONING_NAMESPACE}: its type in NVS, and the member of the document that it stores. */
export interface ProvisioningKey {
  readonly key: string;
  readonly type: "u8" | "string" | "blob";
  readonly member: keyof Provisioning;
}

/**
 * The keys in the order in which they are written. A key set is stored as a blob with its envelope message, because it
 * may be longer than a string in NVS.
 */
export const PROVISIONING_KEYS: readonly ProvisioningKey[] = [
  { key: "provisioning", type: "u8", member: "provisioning" },
  { key: "device_id", type: "string", member: "device_id" },
  { key: "broker", type: "string", member: "broker" },
  { key: "topic", type: "string", member: "topic" },
  { key: "product", type: "string", member: "product" },
  { key: "username", type: "string", member: "username" },
  { key: "password", type: "string", member: "password" },
  { key: "ca_cert", type: "string", member: "ca_certificate" },
  { key: "client_cert", type: "string", member: "certificate" },
  { key: "client_key", type: "string", member: "private_key" },
  { key: "key_set", type: "blob", member: "key_set" },
  { key: "allow_unsigned", type: "u8", member: "allow_unsigned" },
];

/** Returns the value of a key, or `undefined` if there is no value of its type. */
export type ProvisioningValues = (key: ProvisioningKey) => number | string | Uint8Array | undefined;

/**
 * Converts a provisioning document to NVS entries for `buildNvsPartition` and `formatNvsCsv`.
 *
 * @throws {@link OtaError} `provisioning/invalid`.
 */
export function provisioningEntries(document: Provisioning): readonly NvsPairInput[] {
  checkProvisioning(document);
  return PROVISIONING_KEYS.flatMap(({ key, member }): NvsPairInput[] => {
    const value = document[member];
    if (value === undefined) return [];
    const place = { namespace: PROVISIONING_NAMESPACE, key };
    if (typeof value === "string") return [{ ...place, type: "string", value }];
    if (typeof value === "object") return [{ ...place, type: "blob", value: utf8(JSON.stringify(value)) }];
    return [{ ...place, type: "u8", value: Number(value) }];
  });
}

/**
 * Reads a provisioning document from NVS values, as a device does at each start.
 *
 * @throws {@link OtaError} `nvs/not-provisioned` if the key `provisioning` is missing.
 * @throws {@link OtaError} `provisioning/invalid` if the document is invalid.
 */
export function readProvisioning(values: ProvisioningValues): Provisioning {
  const found = PROVISIONING_KEYS.map((key) => [key, values(key)] as const).filter(([, value]) => value !== undefined);
  if (found[0]?.[0].member !== "provisioning") {
    const message = `NVS has no key provisioning in the namespace ${PROVISIONING_NAMESPACE}: the device is not provisioned`;
    const hint = "create its NVS partition with tinybms-ota provision";
    throw new OtaError("nvs/not-provisioned", message, {}, { hint });
  }
  const members = found.map(([{ member }, value]) => [member, memberOf(member, value)]);
  return checkProvisioning(Object.fromEntries(members));
}

/**
 * Reads the document from a whole NVS partition, as it lies in flash. Errors as {@link readProvisioning}, and
 * `nvs/encrypted` for one that has to be decrypted first.
 */
export function provisioningOfPartition(bytes: Uint8Array): Provisioning {
  const partition = readNvsPartition(bytes);
  const encrypted = partition.problems.find(({ code }) => code === "nvs/encrypted");
  if (encrypted !== undefined) throw new OtaError("nvs/encrypted", encrypted.message, { offset: encrypted.offset });
  const entries = partition.entries.filter(({ namespace }) => namespace === PROVISIONING_NAMESPACE);
  return readProvisioning(({ key, type }) => {
    const value = entries.find((entry) => entry.key === key && entry.type === type)?.value;
    return typeof value === "bigint" ? undefined : value;
  });
}

function memberOf(member: keyof Provisioning, value: number | string | Uint8Array | undefined): unknown {
  if (value instanceof Uint8Array) return keySetOf(value);
  if (member !== "allow_unsigned") return value;
  return value === 0 ? false : value === 1 ? true : value;
}

function keySetOf(bytes: Uint8Array): unknown {
  try {
    return envelopeToJson(parseEnvelope(bytes, MESSAGE_SIZE_MAX.keys));
  } catch (error) {
    if (!isOtaError(error)) throw error;
    const problem = { code: "provisioning/invalid", path: "/key_set", message: `key_set: ${error.message}` } as const;
    throw invalidProvisioning("", [problem]);
  }
}
