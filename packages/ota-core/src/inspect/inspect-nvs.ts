import { toHex, utf8 } from "../bytes.ts";
import { NVS_PAGE_SIZE, NVS_VERSION, parseNvsPageHeader } from "../nvs/nvs-page-header.ts";
import { type NvsPartitionEntry, readNvsPartition } from "../nvs/nvs-partition.ts";
import type { NvsValueType } from "../nvs/nvs-value.ts";
import { PROVISIONING_NAMESPACE } from "../provisioning/provisioning-nvs.ts";
import { Findings } from "./findings.ts";
import type { InspectedNvsEntry, NvsInspection } from "./inspection.ts";

/** Sizes of values in bytes. */
const SIZES: Readonly<Record<Exclude<NvsValueType, "string" | "blob">, number>> = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  u64: 8,
  i64: 8,
  float: 4,
  double: 8,
};

/** Provisioned values that are not secret. */
const PUBLIC_KEYS: readonly string[] = ["device_id", "broker", "topic", "product", "username"];

/**
 * Maximum number of NVS bytes that one inspection reads: 128 pages, more than a device can index in its RAM. A crafted
 * file of two million entries would need gigabytes here.
 */
export const NVS_READ_SIZE_MAX: number = 128 * NVS_PAGE_SIZE;

/**
 * Inspects an NVS partition. Masks strings and blobs, which may be passwords and keys, except for the values in
 * {@link PUBLIC_KEYS}.
 *
 * @param showSecrets - Whether to show strings and blobs.
 * @param readMax - Maximum number of bytes to read. A longer partition is reported as a problem.
 */
export function inspectNvs(
  bytes: Uint8Array,
  showSecrets: boolean,
  readMax: number = NVS_READ_SIZE_MAX,
): NvsInspection {
  const findings = new Findings();
  const { version, namespaces, entries, pages, problems } = readNvsPartition(bytes.subarray(0, readMax));
  if (bytes.length > readMax) {
    const message = `the partition is ${bytes.length} bytes; only the first ${readMax} are read, and checked as if they were the whole`;
    findings.problem("nvs/size-invalid", message, readMax);
  }
  const excess = bytes.length % NVS_PAGE_SIZE;
  if (excess > 0) {
    const message = `the partition is ${bytes.length} bytes, not a multiple of ${NVS_PAGE_SIZE}: the last ${excess} are not read`;
    findings.problem("image/truncated", message, bytes.length - excess);
  }
  for (const { code, message, offset } of problems) {
    if (code === "nvs/interrupted") findings.note(code, `${message} (NVS repairs this when it starts)`, offset);
    else findings.problem(code, message, offset);
  }
  return {
    type: "nvs",
    ...findings.result(bytes.length),
    version: version ?? null,
    namespaces,
    entries: entries.map((entry) => describe(entry, showSecrets)),
    pages: pages.map((page) => ({ ...page, sequence: page.sequence ?? null })),
  };
}

/**
 * Returns `true` if any page has a valid NVS page header. Other data matches with a probability of 2 to the power of
 * −32.
 */
export function looksLikeNvs(bytes: Uint8Array): boolean {
  for (let offset = 0; offset + NVS_PAGE_SIZE <= bytes.length; offset += NVS_PAGE_SIZE) {
    const header = parseNvsPageHeader(bytes.subarray(offset, offset + NVS_PAGE_SIZE));
    if (header.crcMatches && header.version >= NVS_VERSION && header.state !== "uninitialized") return true;
  }
  return false;
}

function describe(entry: NvsPartitionEntry, showSecrets: boolean): InspectedNvsEntry {
  const { namespace = null, key, type, value, offset } = entry;
  const damaged = value === undefined;
  const isPublic = namespace === PROVISIONING_NAMESPACE && PUBLIC_KEYS.includes(key);
  const masked = !damaged && !showSecrets && !isPublic && (type === "string" || type === "blob");
  const common = { namespace, key, type, size: sizeOf(entry), masked, damaged, offset };
  if (damaged || masked) return { ...common, value: null };
  if (value instanceof Uint8Array) return { ...common, value: toHex(value) };
  if (typeof value === "bigint") return { ...common, value: String(value) };
  // A float may be NaN or infinite, and JSON has no number for these.
  return { ...common, value: typeof value === "number" && !Number.isFinite(value) ? String(value) : value };
}

function sizeOf({ type, value }: NvsPartitionEntry): number {
  if (type !== "string" && type !== "blob") return SIZES[type];
  if (typeof value === "string") return utf8(value).length;
  return value instanceof Uint8Array ? value.length : 0;
}
