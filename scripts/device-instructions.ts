/** Counts the instructions of the device code in C on a RISC-V machine of QEMU. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { VectorLine } from "../firmware-sim/src/conformance/vector.ts";
import { VectorJson } from "../firmware-sim/src/conformance/vector-json.ts";
import { buildJudge, missingTools } from "./device-judge/judge-build.ts";
import { eventInput, vectorInput } from "./device-judge/judge-input.ts";
import { parseAnswer } from "./device-judge/judge-output.ts";
import { downloading } from "./vectors/vector-scenario.ts";
import { VectorScript } from "./vectors/vector-script.ts";

/** Chunks of the image whose download is measured. */
const CHUNKS = 64;

/**
 * Measures what a chunk costs, from its first byte to the answer that it is in flash: receiving it in pieces, checking
 * it, erasing, programming, and asking later. SHA-256 does not count, nor what the port does, which receives the pieces
 * where the machine keeps them.
 *
 * @returns Instructions of the most expensive chunk; `undefined` without the tools.
 */
export async function instructionsPerChunk(): Promise<number | undefined> {
  if (missingTools("bare").length > 0) return undefined;
  const script = new VectorScript("chunks", { rule: "", size: CHUNKS * 4096 });
  await downloading(script);
  const before = script.vector.steps.length;
  // The last two end the download, or report that it is about to end.
  for (let index = 1; index < CHUNKS - 1; index++) await script.chunk(index);
  const { header, steps } = script.vector;
  const json = new VectorJson(script.image);
  const input = Buffer.concat([vectorInput(header), ...steps.map(({ event }) => eventInput(json, event))]);
  const counts = runBare(input);
  if (counts.length !== steps.length) throw new Error(`${steps.length} events had ${counts.length} answers`);
  return Math.max(...sumsByChunk(steps.slice(before), counts.slice(before)));
}

/** Adds up what each chunk message and the answers to it took. */
function sumsByChunk(steps: readonly VectorLine[], counts: readonly number[]): readonly number[] {
  const sums: number[] = [];
  for (const [index, { event }] of steps.entries()) {
    if (event.type === "message") sums.push(0);
    sums[sums.length - 1] = (sums.at(-1) ?? 0) + (counts[index] ?? 0);
  }
  return sums;
}

/** Runs the judge and returns the instructions of each event. */
function runBare(input: Uint8Array): readonly number[] {
  const folder = mkdtempSync(join(tmpdir(), "tinybms-instructions-"));
  try {
    writeFileSync(join(folder, "input"), input);
    const [emulator = "", ...parameters] = buildJudge("bare");
    const { status, stderr } = spawnSync(emulator, parameters, { cwd: folder, encoding: "utf8", timeout: 120_000 });
    if (status !== 0) throw new Error(`${emulator} ended with ${status}: ${stderr}`);
    return countsOf(readFileSync(join(folder, "output")));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function countsOf(output: Buffer): readonly number[] {
  const counts: number[] = [];
  for (let at = 0; at < output.length; ) {
    const length = output.readUInt32LE(at);
    counts.push(parseAnswer(output.subarray(at + 4, at + 4 + length)).instructions);
    at += 4 + length;
  }
  return counts;
}
