import { isOtaError } from "@tinybms/ota-core";
import { buildLoaderRequest, encodeSlip, LoaderOp, parseLoaderResponse, SYNC_DATA } from "@tinybms/ota-core/serial";
import { connectFault } from "./connect-fault.ts";
import type { LoaderLink } from "./loader-link.ts";
import { type ResetStep, resetsInto, runReset } from "./reset-sequence.ts";

/** Loader that answered: the ROM's, or a stub that an earlier session left running. */
export type LoaderKind = "rom" | "stub";

/** Options of {@link connectLoader}. */
export interface ConnectOptions {
  /** Reset sequence to use instead of the default ones. */
  readonly reset?: readonly ResetStep[] | undefined;
}

/** Number of resets to try. */
const ATTEMPTS = 7;

/** Number of SYNC commands after each reset. */
const SYNCS = 5;

/** How long a loader may take to answer SYNC, in milliseconds. */
const SYNC_TIMEOUT_MS = 100;

/** Number of answers that a loader sends to one SYNC. */
const SYNC_ANSWERS = 8;

/**
 * Resets the board into its loader and sends SYNC until it answers. On a line without control signals, only sends SYNC:
 * the user must have started the loader.
 *
 * @throws {@link OtaError} `serial/nothing-received`, `serial/loader-deaf`, `serial/wrong-boot-mode`,
 *   `serial/app-running`, `serial/brown-out` or `serial/noise`, depending on what was received; `serial/port-lost`.
 */
export async function connectLoader(link: LoaderLink, { reset }: ConnectOptions = {}): Promise<LoaderKind> {
  const { line } = link;
  const usual = resetsInto(line);
  const sequences = reset === undefined || !line.hasSignals ? usual : [reset];
  link.clearHeard();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const sequence = sequences[attempt % Math.max(1, sequences.length)];
    if (sequence !== undefined) await runReset(line, sequence);
    await link.drain(SYNC_TIMEOUT_MS / 2);
    const kind = await syncLoader(link);
    if (kind !== undefined) return kind;
  }
  throw connectFault({ port: line.port, hasSignals: line.hasSignals, heard: link.heard });
}

/**
 * Sends SYNC several times. The loader abandons any unfinished command.
 *
 * @returns The loader that answered, or `undefined`.
 */
export async function syncLoader(link: LoaderLink): Promise<LoaderKind | undefined> {
  const request = encodeSlip(buildLoaderRequest(LoaderOp.SYNC, SYNC_DATA));
  for (let count = 0; count < SYNCS; count++) {
    await link.line.write(request);
    const values = await takeAnswers(link);
    if (values.length === 0) continue;
    await link.drain(SYNC_TIMEOUT_MS / 2);
    // The value is 0 in a stub's answer, and never 0 in a ROM's.
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
