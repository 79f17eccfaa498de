import type { JsonObject, JsonValue } from "@tinybms/ota-core";

/** Names of eFuses, of which the first that a chip has is read. */
const SECURE_BOOT = ["SECURE_BOOT_EN", "ABS_DONE_1"];
const ENCRYPTION_COUNTERS = ["SPI_BOOT_CRYPT_CNT", "FLASH_CRYPT_CNT"];

/** Returns whether a document is the output of `espefuse summary --format json`: every member has a raw value. */
export function isEfuseSummary(document: JsonObject): boolean {
  const efuses = Object.values(document);
  return efuses.length > 0 && efuses.every((efuse) => rawValueOf(efuse) !== undefined);
}

/**
 * Converts a summary to the fields of an eFuse file. Key digests of ESP32-C2 stay unknown, because only half of a block
 * holds them.
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
    // An odd number of burned bits turns encryption on.
    ...(counter === undefined ? {} : { flashEncryption: bitsIn(counter) % 2 === 1 }),
  };
}

/** Returns the key digests: on ESP32 the one in block 2, on other chips those in blocks with that purpose. */
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
