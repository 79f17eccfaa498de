/**
 * Makes a key pair, and kills this process before one operation of the file system, or lets the disk be full from then
 * on: `keygen-killed.ts FILE NUMBER kill|full`.
 */
import fs from "node:fs";
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

const [file = "", number = "0", fault = "kill"] = process.argv.slice(2);
let left = Number(number);
type Operation = (...args: readonly unknown[]) => unknown;

function plant(functions: object, names: readonly string[]): void {
  for (const name of names) {
    const original = (functions as Record<string, Operation>)[name] as Operation;
    Object.assign(functions, {
      [name]: (...args: readonly unknown[]) => {
        // Files of the program itself are opened for reading.
        if (name === "openSync" && args[1] !== "wx") return original(...args);
        if (left-- <= 0) {
          if (fault === "kill") process.kill(process.pid, "SIGKILL");
          else throw Object.assign(new Error("full"), { code: "ENOSPC" });
        }
        return original(...args);
      },
    });
  }
}

plant(fs, ["openSync"]);
plant(promises, fault === "kill" ? ["link", "rm"] : ["link"]);
syncBuiltinESMExports();
const { runCommand } = await import("../packages/ota-publisher/test/release-line.ts");
process.exitCode = (await runCommand(["keygen", "--out", file, "--type", "ed25519"])).exitCode;
