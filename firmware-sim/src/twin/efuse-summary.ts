import type { JsonObject, JsonValue } from "@tinybms/ota-core";

/** Which eFuses are read; the first that a chip has counts. */
const SECURE_BOOT = ["SECURE_BOOT_EN", "ABS_DONE_1"];
const ENCRYPTION_COUNTERS = ["SPI_BOOT_CRYPT_CNT", "FLASH_CRYPT_CNT"];

/** Whether a document is what `espefuse summary --format json` writes: each member an eFuse with its raw value. */
export function isEfuseSummary(document: JsonObject): boolean {
  const efuses = Object.values(document);
  return efuses.length > 0 && efuses.every((efuse) => rawValueOf(efuse) !== undefined);
}

/**
 * What a summary says, as the fields that are written by hand. Key digests are left unknown on ESP32-C2, which has half of
 * a block for them.
 */
export function fieldsOfSummary(summary: JsonObject): JsonObject {
  const raw = (...names: readonly string[]) => {
    const name = names.find((candidate) => Object.hasOwn(summary, candidate));
    return name === undefined ? undefined : rawValueOf(summary[name]);
  };
  const version = raw("SECURE_VERSION");
  const counter = raw(...ENCRYPTION_COUNTERS);
  const flags = {
    disableWaferVersionMajor: raw("DISABLE_WAFER_VERSION_MAJOR"),
    disableBlockVersionMajor: raw("DISABLE_BLK_VERSION_MAJOR"),
    secureBoot: raw(...SECURE_BOOT),
  };
  return {
    ...(version === undefined ? {} : { secureVersion: bitsIn(version) }),
    ...revision("chipRevision", raw("WAFER_VERSION_MAJOR"), raw("WAFER_VERSION_MINOR")),
    ...revision("blockRevision", raw("BLK_VERSION_MAJOR"), raw("BLK_VERSION_MINOR")),
    ...Object.fromEntries(
      Object.entries(flags).flatMap(([name, value]) => (value === undefined ? [] : [[name, value !== 0n]])),
    ),
    ...digestsIn(summary),
    // An odd number of burnt bits turns encryption on.
    ...(counter === undefined ? {} : { flashEncryption: bitsIn(counter) % 2 === 1 }),
  };
}

/** ESP32 has its one digest in block 2; the others in the blocks whose purpose says so. */
function digestsIn(summary: JsonObject): JsonObject {
  const hex = (name: string) => memberOf(summary[name], "value");
  const digest = (name: string): string => String(hex(name) ?? "").replaceAll(" ", "");
  if (Object.hasOwn(summary, "ABS_DONE_1")) {
    return rawValueOf(summary.ABS_DONE_1) === 0n ? {} : { secureBootDigests: [digest("BLOCK2")] };
  }
  const found = [0, 1, 2].flatMap((number) => {
    const key = [0, 1, 2, 3, 4, 5].find(
      (block) => memberOf(summary[`KEY_PURPOSE_${block}`], "value") === `SECURE_BOOT_DIGEST${number}`,
    );
    return key === undefined ? [] : [{ number, digest: digest(`BLOCK_KEY${key}`) }];
  });
  if (found.length === 0) return {};
  const isRevoked = (number: number) => (rawValueOf(summary[`SECURE_BOOT_KEY_REVOKE${number}`]) ?? 0n) !== 0n;
  return {
    secureBootDigests: found.map((entry) => entry.digest),
    revokedDigests: found.flatMap(({ number }, index) => (isRevoked(number) ? [index] : [])),
  };
}

function revision(name: string, major: bigint | undefined, minor: bigint | undefined): JsonObject {
  return major === undefined || minor === undefined ? {} : { [name]: `${major}.${minor}` };
}

function rawValueOf(efuse: JsonValue | undefined): bigint | undefined {
  const raw = memberOf(efuse, "raw_value");
  return typeof raw === "string" && /^0x[0-9a-fA-F]{1,128}$/.test(raw) ? BigInt(raw) : undefined;
}

function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value[name] : undefined;
}

function bitsIn(field: bigint): number {
  return field.toString(2).replaceAll("0", "").length;
}
