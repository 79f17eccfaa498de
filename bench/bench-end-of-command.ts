import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { startEmbeddedBroker } from "@tinybms/firmware-sim/testkit";
import { startLossyProxy } from "../packages/ota-publisher/test/lossy-proxy.ts";
import { createReleaseLine, TOPIC } from "../packages/ota-publisher/test/release-line.ts";
import { startScriptedDevice } from "../packages/ota-publisher/test/scripted-device.ts";
import { type BenchLine, median } from "./bench-line.ts";

const ROUNDS = 5;
/** What a command may take to be gone after its result, and after an interruption, in milliseconds. */
const LIMIT_MS = { result: 1_000, interruption: 2_000 };

const PROGRAM = fileURLToPath(new URL("../packages/ota-publisher/src/bin/tinybms-ota.ts", import.meta.url));

/** A way for a deploy to end. */
interface Ending {
  readonly name: string;
  /** Which acknowledgements of the broker are lost. */
  readonly loses: (number: number) => boolean;
  readonly args: readonly string[];
  readonly isInterrupted: boolean;
}

const ENDINGS: readonly Ending[] = [
  {
    name: "deploy gone after delivered, every tenth acknowledgement lost",
    loses: (number) => number % 10 === 0,
    args: ["--expect", "1", "--timeout", "60"],
    isInterrupted: false,
  },
  {
    name: "deploy gone after its error, every acknowledgement lost",
    loses: () => true,
    args: ["--timeout", "1"],
    isInterrupted: false,
  },
  {
    name: "deploy gone after SIGINT, every acknowledgement lost",
    loses: () => true,
    args: ["--timeout", "60"],
    isInterrupted: true,
  },
];

/** How long a deploy stays after its result or after SIGINT, against what it may. */
export async function benchEndOfCommand(): Promise<readonly BenchLine[]> {
  const lines: BenchLine[] = [];
  for (const ending of ENDINGS) {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) times.push(await timeToEnd(ending));
    const ours = median(times);
    const plain = ending.isInterrupted ? LIMIT_MS.interruption : LIMIT_MS.result;
    lines.push({ name: ending.name, ours, plain, ratio: Math.max(...times) / plain, limit: 1 });
  }
  return lines;
}

/** Milliseconds from the result on standard output, or from SIGINT, to the end of the process. */
async function timeToEnd({ loses, args, isInterrupted }: Ending): Promise<number> {
  const line = createReleaseLine();
  const broker = await startEmbeddedBroker();
  const proxy = await startLossyProxy(broker.port, loses);
  const device = await startScriptedDevice(broker.url, { device: "bench-1", topicRoot: TOPIC });
  try {
    await line.run(["package", "--binary", line.binary, "--update-manifest"]);
    const command = ["deploy", "--version", "1.2.3", "--manifest", line.manifest, "--broker", proxy.url, "--json"];
    const child = spawn(process.execPath, ["--conditions=@tinybms/source", PROGRAM, ...command, ...args]);
    let from = Number.NaN;
    child.stderr.on("data", (text) => {
      if (!isInterrupted || !Number.isNaN(from) || !String(text).includes("waiting for devices")) return;
      from = performance.now();
      child.kill("SIGINT");
    });
    child.stdout.on("data", () => {
      if (!isInterrupted) from = performance.now();
    });
    await once(child, "close");
    return performance.now() - from;
  } finally {
    await device.close();
    await proxy.close();
    await broker.close();
    line.remove();
  }
}
