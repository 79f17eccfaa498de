import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";
import { utf8 } from "@tinybms/ota-core";

/** The scrypt hash (RFC 7914) of a password. */
export interface PasswordHash {
  /** Binary logarithm of scrypt's N. */
  readonly logCost: number;
  readonly blockSize: number;
  readonly parallelization: number;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

/** Cost of a guess. */
export type PasswordCost = Pick<PasswordHash, "logCost" | "blockSize" | "parallelization">;

/** 16 MiB and about 150 ms per guess: the low-memory choice of OWASP's password storage cheat sheet. */
export const PASSWORD_COST: PasswordCost = { logCost: 14, blockSize: 8, parallelization: 5 };

const SALT_SIZE = 16;
const HASH_SIZE = 32;

/** PHC string format: `$scrypt$ln=14,r=8,p=5$<salt>$<hash>`, with base64 without padding. */
const FORMAT = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/;

/** Limits for the cost of a check: 64 MiB and a few seconds. */
const LOG_COST = { min: 10, max: 16 };
const BLOCK_SIZE_MAX = 8;
const PARALLELIZATION_MAX = 16;

/** Hashes a password with a random salt. */
export async function hashPassword(password: string, cost: PasswordCost = PASSWORD_COST): Promise<PasswordHash> {
  const salt = new Uint8Array(randomBytes(SALT_SIZE));
  return { ...cost, salt, hash: await derive(utf8(password), salt, cost) };
}

/** Returns `true` if a password matches a hash. Takes the same time for a wrong one. */
export async function verifyPassword(password: Uint8Array, kept: PasswordHash): Promise<boolean> {
  const isEqual = timingSafeEqual(await derive(password, kept.salt, kept), kept.hash);
  // HMAC, the first step of scrypt, pads short keys with zeros (RFC 2104 section 2), so trailing NULs would not count.
  return isEqual && !password.includes(0);
}

/** Formats a hash in the PHC string format. */
export function formatPasswordHash({ logCost, blockSize, parallelization, salt, hash }: PasswordHash): string {
  return `$scrypt$ln=${logCost},r=${blockSize},p=${parallelization}$${toBase64(salt)}$${toBase64(hash)}`;
}

/** Parses the PHC string format. @returns `undefined` for any other text, or if the cost is out of range. */
export function parsePasswordHash(text: string): PasswordHash | undefined {
  const [, ln, r, p, saltText = "", hashText = ""] = FORMAT.exec(text) ?? [];
  const [logCost, blockSize, parallelization] = [Number(ln), Number(r), Number(p)];
  const isInRange =
    logCost >= LOG_COST.min &&
    logCost <= LOG_COST.max &&
    blockSize >= 1 &&
    blockSize <= BLOCK_SIZE_MAX &&
    parallelization >= 1 &&
    parallelization <= PARALLELIZATION_MAX;
  if (!isInRange) return undefined;
  const parsed = { logCost, blockSize, parallelization, salt: fromBase64(saltText), hash: fromBase64(hashText) };
  return formatPasswordHash(parsed) === text ? parsed : undefined;
}

function derive(password: Uint8Array, salt: Uint8Array, cost: PasswordCost): Promise<Uint8Array> {
  const { logCost, blockSize, parallelization } = cost;
  const N = 2 ** logCost;
  const options: ScryptOptions = { N, r: blockSize, p: parallelization, maxmem: 256 * N * blockSize };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_SIZE, options, (error, key) =>
      error === null ? resolve(new Uint8Array(key)) : reject(error),
    );
  });
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replaceAll("=", "");
}

function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}
