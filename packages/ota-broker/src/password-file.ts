import { readFile } from "node:fs/promises";
import { decodeUtf8, isDeviceId, OtaError } from "@tinybms/ota-core";
import {
  formatPasswordHash,
  hashPassword,
  PASSWORD_COST,
  type PasswordCost,
  type PasswordHash,
  parsePasswordHash,
} from "./password-hash.ts";

/** A user who may connect. */
export interface BrokerUser {
  /** User name in CONNECT. For a device it is the device ID, which decides its topics. */
  readonly name: string;
  readonly role: "device" | "publisher";
  readonly password: PasswordHash;
}

/** Maximum size of a password file, in bytes: enough for twenty thousand users. */
const FILE_SIZE_MAX = 4 * 1024 * 1024;

/** Maximum length of a password. A longer one is probably a mistake. (MQTT allows 65 535 bytes.) */
const PASSWORD_LENGTH_MAX = 256;

/**
 * Reads a password file.
 *
 * @throws {@link OtaError} `arguments/password-file` if it can't be read or is invalid.
 */
export async function readPasswordFile(file: string): Promise<readonly BrokerUser[]> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new OtaError("arguments/password-file", `the password file ${file} can't be read`, { file }, { cause });
  });
  const text = bytes.length > FILE_SIZE_MAX ? undefined : decodeUtf8(bytes);
  if (text === undefined) {
    const message = `${file} is not a password file: it must be UTF-8 of at most ${FILE_SIZE_MAX} bytes`;
    throw new OtaError("arguments/password-file", message, { file });
  }
  return parsePasswordFile(text, file);
}

/**
 * Parses a password file: one line for each user, `name:role:hash`, as {@link passwordLine} returns it. Ignores empty lines
 * and lines that begin with `#`.
 *
 * @param file - File name for errors. Errors never contain the text of a line, which may be a password by mistake.
 * @throws {@link OtaError} `arguments/password-file`, with the line number.
 */
export function parsePasswordFile(text: string, file: string): readonly BrokerUser[] {
  const users = new Map<string, BrokerUser>();
  for (const [index, raw] of text.split("\n").entries()) {
    const content = raw.replace(/\r$/, "");
    if (content.trim() === "" || content.startsWith("#")) continue;
    const user = parseLine(content);
    const fault = typeof user === "string" ? user : users.has(user.name) ? "repeats a user name" : undefined;
    if (fault !== undefined || typeof user === "string") {
      const line = index + 1;
      throw new OtaError("arguments/password-file", `${file}, line ${line}: ${fault}`, { file, line });
    }
    users.set(user.name, user);
  }
  return [...users.values()];
}

/**
 * Creates the line of a password file for one user.
 *
 * @param cost - Cost of a guess; by default 16 MiB of memory and about 150 ms.
 * @throws {@link OtaError} `arguments/invalid` for an invalid name or password.
 */
export async function passwordLine(
  user: Pick<BrokerUser, "name" | "role">,
  password: string,
  cost: PasswordCost = PASSWORD_COST,
): Promise<string> {
  if (!isDeviceId(user.name)) {
    throw new OtaError("arguments/invalid", `${JSON.stringify(user.name)} is not a valid user name: ${NAME_RULE}`, {});
  }
  if (password.length < 1 || password.length > PASSWORD_LENGTH_MAX || password.includes("\0")) {
    const message = `a password must be 1 to ${PASSWORD_LENGTH_MAX} characters, none of them a NUL`;
    throw new OtaError("arguments/invalid", message, {});
  }
  return `${user.name}:${user.role}:${formatPasswordHash(await hashPassword(password, cost))}`;
}

const NAME_RULE = "it must be 1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen, the first a letter or digit";

/** Parses a line. @returns The user, or a sentence about the problem. */
function parseLine(line: string): BrokerUser | string {
  const [name = "", role = "", hash = "", ...more] = line.split(":");
  if (more.length > 0 || hash === "") return "it must be NAME:ROLE:HASH";
  if (!isDeviceId(name)) return `the user name is invalid: ${NAME_RULE}`;
  if (role !== "device" && role !== "publisher") return "the role must be device or publisher";
  const password = parsePasswordHash(hash);
  if (password === undefined)
    return "the hash must have the form $scrypt$ln=14,r=8,p=5$SALT$HASH, with ln from 10 to 16";
  return { name, role, password };
}
