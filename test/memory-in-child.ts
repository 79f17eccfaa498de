/** Runs a command as its executable does, then says how much memory the process had at most. */
import { peakMemoryBytes } from "./peak-memory.ts";

const [command = "", ...args] = process.argv.slice(2);
process.argv = [process.argv[0] ?? "node", command, ...args];
process.once("exit", () => {
  process.stderr.write(`peak ${peakMemoryBytes()}\n`);
});
if (command === "tinybms-sim") await import("../firmware-sim/src/bin/tinybms-sim.ts");
else await import("../packages/ota-publisher/src/bin/tinybms-ota.ts");
