// Runs a command of tinybms-ota or tinybms-sim in a process of its own, without the last resort of the programs (which
// exit by force), and prints what still keeps the process alive once the command has its result.
import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { runCli } from "@tinybms/ota-publisher";
import { runSimCli } from "../firmware-sim/src/cli.ts";

const [program = "", ...args] = process.argv.slice(2);
const interrupt = new AbortController();
process.once("SIGINT", () => interrupt.abort());
const sink = (): PassThrough => new PassThrough().resume();
// The sweep of power-cut says how far it is on a terminal alone.
const stderr = Object.assign(sink(), { isTTY: args[0] === "power-cut" }).on("data", (text) =>
  process.stderr.write(text),
);
const io = { stdout: sink(), stderr, env: process.env, signal: interrupt.signal };
const exitCode = program === "tinybms-sim" ? await runSimCli(args, io) : await runCli(args, io);
// Sockets that were destroyed are gone a turn later.
await turn();
await turn();
const resources = process.getActiveResourcesInfo().filter((name) => name !== "PipeWrap" && name !== "SignalWrap");
process.stdout.write(`${JSON.stringify({ exitCode, resources })}\n`);
