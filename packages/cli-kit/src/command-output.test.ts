import { Writable } from "node:stream";
import { OtaError } from "@tinybms/ota-core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CommandOutput, type OutputOptions, printable } from "./command-output.ts";

const ERROR = new OtaError("delivery/timeout", "late\u001b[2J", { seconds: 1, devices: [] }, { hint: "wait" });

function failOn({
  isTTY,
  env = {},
  options = {},
}: {
  isTTY: boolean;
  env?: Record<string, string>;
  options?: OutputOptions;
}) {
  let text = "";
  const write = (chunk: unknown, _encoding: string, done: () => void): void => {
    text += String(chunk);
    done();
  };
  const stream = Object.assign(new Writable({ write, decodeStrings: false }), { isTTY });
  const world = { stdout: stream, stderr: stream, env, signal: new AbortController().signal };
  new CommandOutput(world, options).fail(ERROR);
  return text;
}

test("prints an error on one line, and its hint on another", () => {
  expect(failOn({ isTTY: false })).toBe("error[delivery/timeout]: late\nhint: wait\n");
});

test("prints colors only on terminals that allow them", () => {
  expect(failOn({ isTTY: true })).toContain("\u001b[31merror[delivery/timeout]:\u001b[39m late\n");
  expect(failOn({ isTTY: true, env: { NO_COLOR: "1" } })).not.toContain("\u001b");
  expect(failOn({ isTTY: true, env: { NO_COLOR: "" } })).toContain("\u001b");
  expect(failOn({ isTTY: true, env: { TERM: "dumb" } })).not.toContain("\u001b");
});

test("prints foreign text on one line without control characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(printable(text)).not.toMatch(/[\p{Cc}\u2028\u2029\u202e]/u);
    }),
  );
  expect(printable("a\u001b]0;title\u0007b\r\nc")).toBe("ab c");
});

test("redacts hidden texts in notes, warnings and errors, also in a later output", () => {
  let text = "";
  const write = (chunk: unknown, _encoding: string, done: () => void): void => {
    text += String(chunk);
    done();
  };
  const stderr = new Writable({ write, decodeStrings: false });
  const world = { stdout: stderr, stderr, env: {}, signal: new AbortController().signal };
  new CommandOutput(world, {}).hide(["s3cr3t"]);
  const console = new CommandOutput(world, { verbose: true });
  console.note("a s3cr3t");
  console.warn("b s3cr3t");
  console.debug("c s3cr3t");
  const details = { host: "s3cr3t.example", port: 1, reason: "d s3cr3t" };
  const cause = new Error("e s3cr3t");
  const error = new OtaError("delivery/broker-refused", "f s3cr3t", details, { cause, hint: "g s3cr3t" });
  console.fail(error);
  const cleaned = console.clean(error);
  expect(text).toContain("a ***");
  expect(text).toContain("hint: g ***");
  expect(text).toContain("caused by Error: e ***");
  expect(cleaned).toMatchObject({
    code: "delivery/broker-refused",
    message: "f ***",
    details: { host: "***.example", port: 1, reason: "d ***" },
    hint: "g ***",
  });
  expect(text + JSON.stringify(cleaned) + String((cleaned as Error).stack)).not.toContain("s3cr3t");
  expect(String((console.clean(new TypeError("h s3cr3t")) as Error).stack)).not.toContain("s3cr3t");
});
