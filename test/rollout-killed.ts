/**
 * Runs `tinybms-ota`, and kills this process at the first line that it writes to a rollout's journal: after the whole line,
 * or in its middle: `rollout-killed.ts whole|torn ARGUMENTS`.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const [where = "", ...args] = process.argv.slice(2);
const original = fs.writeSync;

function writeAndDie(...given: readonly unknown[]): number {
  const [descriptor, bytes, offset, , position] = given;
  const isLine = bytes instanceof Uint8Array && Buffer.from(bytes.subarray(0, 10)).toString() === '{"journal"';
  if (!isLine) return Reflect.apply(original, fs, given) as number;
  const length = where === "torn" ? Math.floor(bytes.length / 2) : bytes.length;
  Reflect.apply(original, fs, [descriptor, bytes, offset, length, position]);
  process.kill(process.pid, "SIGKILL");
  return length;
}

Object.assign(fs, { writeSync: writeAndDie });
syncBuiltinESMExports();
const { runCommand } = await import("../packages/ota-publisher/test/release-line.ts");
const { exitCode, stderr } = await runCommand(args);
process.stderr.write(stderr);
process.exitCode = exitCode;
