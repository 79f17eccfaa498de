/**
 * Makes a key pair, and kills this process before one operation of the file system, or lets the disk be full from then
 * on: `keygen-killed.ts FILE NUMBER kill|full`.
 */
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

const [file = "", number = "0", fault = "kill"] = process.argv.slice(2);
let left = Number(number);
const names = fault === "kill" ? (["open", "link", "rm"] as const) : (["open", "link"] as const);
for (const name of names) {
  const original = fs[name] as (...args: readonly unknown[]) => unknown;
  Object.assign(fs, {
    [name]: (...args: readonly unknown[]) => {
      if (left-- <= 0) {
        if (fault === "kill") process.kill(process.pid, "SIGKILL");
        // Files of the program itself are opened for reading.
        else if (name === "link" || args[1] === "wx") throw Object.assign(new Error("full"), { code: "ENOSPC" });
      }
      return original(...args);
    },
  });
}
syncBuiltinESMExports();
const { runCommand } = await import("../packages/ota-publisher/test/release-line.ts");
process.exitCode = (await runCommand(["keygen", "--out", file, "--type", "ed25519"])).exitCode;
