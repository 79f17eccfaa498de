import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isOtaError, utf8 } from "@tinybms/ota-core";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { parsePasswordFile, passwordLine, readPasswordFile } from "./password-file.ts";
import { verifyPassword } from "./password-hash.ts";

/** As cheap as it may be. */
const CHEAP = { logCost: 10, blockSize: 8, parallelization: 1 };
const LINE = await passwordLine({ name: "ci", role: "publisher" }, "correct horse", CHEAP);

function errorOf(text: string) {
  try {
    parsePasswordFile(text, "users");
  } catch (error) {
    if (isOtaError(error, "arguments/password-file")) return error;
    throw error;
  }
  throw new Error("no error");
}

test("accepts the password of a line, and no prefix or extension of it", async () => {
  const [user] = parsePasswordFile(LINE, "users");
  expect(user).toMatchObject({ name: "ci", role: "publisher" });
  expect(await verifyPassword(utf8("correct horse"), user!.password)).toBe(true);
  for (const wrong of ["", "correct", "correct hors", "correct horse ", "correct horsf", "correct horse\0"]) {
    expect(await verifyPassword(utf8(wrong), user!.password)).toBe(false);
  }
});

test("uses 16 MiB and five passes by default", async () => {
  expect(await passwordLine({ name: "bench-1", role: "device" }, "x")).toMatch(
    /^bench-1:device:\$scrypt\$ln=14,r=8,p=5\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/,
  );
});

test("creates a different line for the same password each time", async () => {
  expect(await passwordLine({ name: "ci", role: "publisher" }, "correct horse", CHEAP)).not.toBe(LINE);
});

test("ignores empty lines, comments and carriage returns", () => {
  expect(parsePasswordFile(`# who may connect\r\n\r\n${LINE}\r\n`, "users")).toHaveLength(1);
});

const HASH = LINE.slice("ci:publisher:".length);

test.for([
  ["a password instead of a hash", "ci:publisher:secret-in-clear"],
  ["no hash", "ci:publisher"],
  ["another role", `ci:admin:${HASH}`],
  ["a name with a slash", `a/b:device:${HASH}`],
  ["a member too many", `${LINE}:more`],
  ["a cost of seconds and gigabytes", `ci:publisher:${HASH.replace("ln=10", "ln=24")}`],
  ["a cost of nothing", `ci:publisher:${HASH.replace("ln=10", "ln=01")}`],
  ["a cost written in another way", `ci:publisher:${HASH.replace("p=1", "p=01")}`],
  ["a block size of zero", `ci:publisher:${HASH.replace("r=8", "r=0")}`],
  ["a hash that is cut", LINE.slice(0, -1)],
  ["the same user again", LINE],
] as const)("rejects %s with the line number, and without its text", ([, line]) => {
  const error = errorOf(`${LINE}\n${line}\n`);
  expect(error.details).toEqual({ file: "users", line: 2 });
  expect(error.message).toMatch(/^users, line 2: /);
  expect(error.message).not.toContain("secret-in-clear");
  expect(error.message).not.toContain(HASH.slice(-20));
});

test("returns users or one error for any text", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `${LINE}${text}`),
      ),
      (text) => {
        try {
          parsePasswordFile(text, "users");
        } catch (error) {
          expect(isOtaError(error, "arguments/password-file")).toBe(true);
        }
      },
    ),
  );
});

test.for([
  ["ci/x", "secret"],
  ["", "secret"],
  ["ci", ""],
  ["ci", "x".repeat(257)],
  ["ci", "secret\0"],
] as const)("rejects the name %o and the password %o", async ([name, password]) => {
  const error: unknown = await passwordLine({ name, role: "device" }, password, CHEAP).catch(
    (reason: unknown) => reason,
  );
  expect(isOtaError(error, "arguments/invalid")).toBe(true);
  if (password.length > 1) expect(String(error)).not.toContain(password);
});

test("reads a file, and names one that is missing or not text", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tinybms-users-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "users"), `${LINE}\n`);
  expect(await readPasswordFile(join(folder, "users"))).toEqual(parsePasswordFile(LINE, "users"));
  await writeFile(join(folder, "binary"), Uint8Array.from([0xff, 0xfe]));
  for (const file of [join(folder, "absent"), join(folder, "binary")]) {
    const error: unknown = await readPasswordFile(file).catch((reason: unknown) => reason);
    expect(isOtaError(error, "arguments/password-file") && error.details).toEqual({ file });
  }
});
