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
  /** The user name of CONNECT. A device's is its device id: that is how the broker knows which topics are its own. */
  readonly name: string;
  readonly role: "device" | "publisher";
  readonly password: PasswordHash;
}

/** Holds twenty thousand users. */
const FILE_SIZE_MAX = 4 * 1024 * 1024;

/** Longer ones come from mistakes. MQTT allows 65 535 bytes. */
const PASSWORD_LENGTH_MAX = 256;

/**
 * Reads a password file.
 *
 * @throws {@link OtaError} `arguments/password-file` if it can't be read, or {@link parsePasswordFile} refuses it.
 */
export async function readPasswordFile(file: string): Promise<readonly BrokerUser[]> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new OtaError("arguments/password-file", `the password file ${file} can't be read`, { file }, { cause });
  });
  const text = bytes.length > FILE_SIZE_MAX ? undefined : decodeUtf8(bytes);
  if (text === undefined) {
    const message = `${file} is no password file: it must be UTF-8 of at most ${FILE_SIZE_MAX} bytes`;
    throw new OtaError("arguments/password-file", message, { file });
  }
  return parsePasswordFile(text, file);
}

/**
 * Reads the text of a password file: a line for each user, `name:role:hash`, as {@link passwordLine} makes them. Empty
 * lines, and lines that begin with `#`, say nothing.
 *
 * @param file - Named in errors. They never hold a line's text: a password may stand there by mistake.
 * @throws {@link OtaError} `arguments/password-file`, with the line.
 */
export function parsePasswordFile(text: string, file: string): readonly BrokerUser[] {
  const users = new Map<string, BrokerUser>();
  for (const [index, raw] of text.split("\n").entries()) {
    const content = raw.replace(/\r$/, "");
    if (content.trim() === "" || content.startsWith("#")) continue;
    const user = parseLine(content);
    const fault = typeof user === "string" ? user : users.has(user.name) ? "names a user a second time" : undefined;
    if (fault !== undefined || typeof user === "string") {
      const line = index + 1;
      throw new OtaError("arguments/password-file", `${file}, line ${line}: ${fault}`, { file, line });
    }
    users.set(user.name, user);
  }
  return [...users.values()];
}

/**
 * Makes the line of a password file for one user.
 *
 * @param cost - How dear a guess is; without it 16 MiB of memory and some 150 ms.
 * @throws {@link OtaError} `arguments/invalid` for a name or a password that can't be one.
 */
export async function passwordLine(
  user: Pick<BrokerUser, "name" | "role">,
  password: string,
  cost: PasswordCost = PASSWORD_COST,
): Promise<string> {
  if (!isDeviceId(user.name)) {
    throw new OtaError("arguments/invalid", `${JSON.stringify(user.name)} is no user name: ${NAME_RULE}`, {});
  }
  if (password.length < 1 || password.length > PASSWORD_LENGTH_MAX || password.includes("\0")) {
    const message = `a password must be 1 to ${PASSWORD_LENGTH_MAX} characters, none of them a NUL`;
    throw new OtaError("arguments/invalid", message, {});
  }
  return `${user.name}:${user.role}:${formatPasswordHash(await hashPassword(password, cost))}`;
}

const NAME_RULE = "it must be 1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen, the first a letter or digit";

/** Parses a line. Returns the user, or a sentence about the problem. */
function parseLine(line: string): BrokerUser | string {
  const [name = "", role = "", hash = "", ...more] = line.split(":");
  if (more.length > 0 || hash === "") return "it must be NAME:ROLE:HASH";
  if (!isDeviceId(name)) return `the name is none: ${NAME_RULE}`;
  if (role !== "device" && role !== "publisher") return "the role must be device or publisher";
  const password = parsePasswordHash(hash);
  if (password === undefined) return "the hash must be as $scrypt$ln=14,r=8,p=5$SALT$HASH, with ln from 10 to 16";
  return { name, role, password };
}
