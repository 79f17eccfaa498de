import { isOtaError } from "@tinybms/ota-core";
import { buildLoaderRequest, encodeSlip, LoaderOp, parseLoaderResponse, SYNC_DATA } from "@tinybms/ota-core/serial";
import { connectFault } from "./connect-fault.ts";
import type { LoaderLink } from "./loader-link.ts";
import { type ResetStep, resetsInto, runReset } from "./reset-sequence.ts";

/** Which of the two loaders answered: the one in ROM, or the stub that an earlier session left running. */
export type LoaderKind = "rom" | "stub";

/** How a loader is sought. */
export interface ConnectOptions {
  /** A sequence instead of the usual ones. */
  readonly reset?: readonly ResetStep[] | undefined;
}

/** Resets tried before the board counts as unreachable. */
const ATTEMPTS = 7;

/** Times that a loader is called after a reset. */
const SYNCS = 5;

/** How long a loader may take to answer a call, in milliseconds. */
const SYNC_TIMEOUT_MS = 100;

/** How many answers one call gets. */
const SYNC_ANSWERS = 8;

/**
 * Resets the board into its loader and calls it until it answers.
 *
 * A line without signals is only called: whoever wired it must have started the loader.
 *
 * @throws {@link OtaError} One of `serial/nothing-received`, `serial/loader-deaf`, `serial/wrong-boot-mode`,
 *   `serial/app-running`, `serial/brown-out`, `serial/noise`, by what was heard instead; `serial/port-lost`.
 */
export async function connectLoader(link: LoaderLink, { reset }: ConnectOptions = {}): Promise<LoaderKind> {
  const { line } = link;
  const usual = resetsInto(line);
  const sequences = reset === undefined || !line.hasSignals ? usual : [reset];
  link.forgetHeard();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const sequence = sequences[attempt % Math.max(1, sequences.length)];
    if (sequence !== undefined) await runReset(line, sequence);
    await link.drain(SYNC_TIMEOUT_MS / 2);
    const kind = await callLoader(link);
    if (kind !== undefined) return kind;
  }
  throw connectFault({ port: line.port, hasSignals: line.hasSignals, heard: link.heard });
}

/**
 * Calls a loader that should be there, some times. What it was in the middle of it forgets.
 *
 * @returns Which answered, or `undefined`.
 */
export async function callLoader(link: LoaderLink): Promise<LoaderKind | undefined> {
  const call = encodeSlip(buildLoaderRequest(LoaderOp.SYNC, SYNC_DATA));
  for (let count = 0; count < SYNCS; count++) {
    await link.line.write(call);
    const values = await takeAnswers(link);
    if (values.length === 0) continue;
    await link.drain(SYNC_TIMEOUT_MS / 2);
    // The ROM's values are never 0, a stub's always.
    return values.some((value) => value !== 0) ? "rom" : "stub";
  }
  return undefined;
}

async function takeAnswers(link: LoaderLink): Promise<readonly number[]> {
  const values: number[] = [];
  try {
    while (values.length < SYNC_ANSWERS) {
      const response = parseLoaderResponse(await link.frame("SYNC", SYNC_TIMEOUT_MS));
      if (response?.op === LoaderOp.SYNC) values.push(response.value);
    }
  } catch (error) {
    if (!isOtaError(error, "serial/noise")) throw error;
  }
  return values;
}
