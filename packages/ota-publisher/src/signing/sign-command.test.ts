import { expect, test } from "vitest";
import { runSignCommand } from "./sign-command.ts";

const world = {
  env: { PATH: process.env.PATH, TINYBMS_OTA_PASSPHRASE: "hunter2" },
  signal: new AbortController().signal,
};
const MESSAGE = Uint8Array.of(0x74, 0x00, 0xff, 0x0a);
/** A program of Node, as a command line. */
const node = (script: string): string => `'${process.execPath}' -e '${script}'`;
const COPY = "process.stdin.pipe(process.stdout)";

test("a command gets the message byte for byte, and its output is the signature", async () => {
  expect(await runSignCommand(node(COPY), MESSAGE, world)).toEqual(MESSAGE);
});

test("a command never sees the passphrase", async () => {
  const script = "console.log(Object.keys(process.env).includes(`TINYBMS_OTA_PASSPHRASE`))";
  expect(String(Buffer.from(await runSignCommand(node(script), MESSAGE, world)))).toBe("false\n");
});

test("a command that doesn't read its input is judged by its output", async () => {
  const large = new Uint8Array(4_000_000);
  expect(await runSignCommand(node("process.stdout.write(`sig`)"), large, world)).toHaveLength(3);
});

test.for([
  ["that isn't there", "/no/such/program", "there is no such program"],
  [
    "that fails",
    node("console.error(`card is \\u001b[31mabsent`); process.exit(3)"),
    "exit code 3; its stderr: card is absent",
  ],
  ["that writes nothing", node(""), "it wrote no signature"],
  [
    "that writes without end",
    node("setInterval(() => process.stdout.write(`x`.repeat(4096)), 1)"),
    "more than 1024 bytes",
  ],
  ["that hangs", node("setInterval(() => {}, 1000)"), "it did not finish within 0.5 s"],
] as const)("a command %s is ended and reported", async ([, text, reason]) => {
  await expect(runSignCommand(text, MESSAGE, world, text.includes("{}") ? 500 : 20_000)).rejects.toMatchObject({
    code: "signing/command-failed",
    message: expect.stringContaining(reason),
  });
});

test("Ctrl-C ends a command", async () => {
  const interrupt = new AbortController();
  const running = runSignCommand(node("setInterval(() => {}, 1000)"), MESSAGE, {
    env: world.env,
    signal: interrupt.signal,
  });
  interrupt.abort();
  await expect(running).rejects.toMatchObject({ code: "delivery/interrupted" });
});
