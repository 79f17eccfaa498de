/**
 * Runs a command from its TypeScript source, as if its `bin` had been called where the user stands.
 *
 *     node --conditions=@tinybms/source scripts/run-from-source.ts packages/ota-publisher/src/bin/tinybms-ota.ts …
 *
 * pnpm runs scripts in the workspace's folder and says in `INIT_CWD` where it was called.
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [program, , module, ...args] = process.argv;
if (program === undefined || module === undefined) throw new Error("the module to run must be named");
const path = resolve(import.meta.dirname, "..", module);
const from = process.env.INIT_CWD;
if (from !== undefined) process.chdir(from);
process.argv = [program, path, ...args];
await import(pathToFileURL(path).href);
