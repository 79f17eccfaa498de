/**
 * What a delivery to many devices costs, from the numbers of the protocol alone. docs/scale.md explains it; a test compares it with
 * simulated worlds.
 *
 * `npx node --conditions=@tinybms/source bench/scale-model.ts` prints the table of that page.
 */

import { CHUNK_SIZE, RECEIVER_TIMING, SENDER_TIMING } from "@tinybms/ota-core";
import { CHUNK_HEADER_SIZE } from "../packages/ota-core/src/messages/chunk.ts";
import { spreadMsOf } from "../packages/ota-publisher/src/offer-payload.ts";

/** A delivery without loss to devices that are all online. */
export interface ScaledDelivery {
  readonly devices: number;
  /** Size of the image in bytes. */
  readonly sizeBytes: number;
  /** Bytes per second. */
  readonly rate: number;
}

/** Expected costs of a {@link ScaledDelivery}. */
export interface ScaleEstimate {
  /** Chunks that the publisher sends. */
  readonly chunks: number;
  /** Requests and reports that the publisher receives. */
  readonly requests: number;
  readonly reports: number;
  /** Greatest number of reports in a second, and of requests, while the image is sent. */
  readonly reportsPerSecond: number;
  readonly requestsPerSecond: number;
  /** Bytes of payloads and topics that the broker passes on to devices, and how many of them in a second. */
  readonly brokerBytes: number;
  readonly brokerBytesPerSecond: number;
  readonly brokerMessagesPerSecond: number;
  /** From the first request to the last chunk, in milliseconds. */
  readonly downloadMs: number;
  /** Time over which devices restart, in milliseconds. */
  readonly restartMs: number;
}

/** Reports of a device besides its progress: at two connections, and at each change of its state. */
const REPORTS_OF_STATES = 9;

/** Bytes of a chunk's topic with a channel topic of 19 bytes, and of its packet's header at QoS 1. */
const CHUNK_ENVELOPE_SIZE = 74;

/** Number of chunks that leave at once before the pace holds. */
const BURST_CHUNKS = 4;

/** Steps of the average over a random time. */
const STEPS = 30;

/** Megabits that a broker sends in a second over a link of 1 Gbit/s, with room for everything else. */
const MBIT_PER_BROKER = 800;

/** Time over which restarts are spread, in milliseconds per device, and at most. */
const RESTART_SPREAD_MS = 20;
const SPREAD_MAX_MS = 3_600_000;

/** Estimates a delivery. */
export function estimateDelivery({ devices, sizeBytes, rate }: ScaledDelivery): ScaleEstimate {
  const chunks = Math.ceil(sizeBytes / CHUNK_SIZE);
  const chunkBytes = sizeBytes + chunks * CHUNK_HEADER_SIZE;
  const spreadMs = spreadMsOf(devices);
  const burst = Math.min(chunks - 1, BURST_CHUNKS) * (CHUNK_SIZE + CHUNK_HEADER_SIZE);
  const sendMs = ((chunkBytes - burst) * 1_000) / rate;
  const requests = devices * requestsPerDevice(spreadMs);
  const reports = devices * (REPORTS_OF_STATES + sendMs / RECEIVER_TIMING.reportMs);
  const brokerBytes = devices * (chunkBytes + chunks * CHUNK_ENVELOPE_SIZE);
  return {
    chunks,
    requests,
    reports,
    reportsPerSecond: (devices * 1_000) / RECEIVER_TIMING.reportMs,
    requestsPerSecond: requests / Math.max(1, (spreadMs + SENDER_TIMING.gatherMs) / 1_000),
    brokerBytes,
    brokerBytesPerSecond: (brokerBytes * rate) / chunkBytes,
    brokerMessagesPerSecond: (devices * chunks * rate) / chunkBytes,
    downloadMs: spreadMs + SENDER_TIMING.gatherMs + sendMs,
    restartMs: devices === 1 ? 0 : Math.min(devices * RESTART_SPREAD_MS, SPREAD_MAX_MS),
  };
}

/**
 * Returns how often a device asks on average. It asks at a random time of the spread, and again while the first round waits for
 * the end of the spread: the wait between two requests doubles.
 */
function requestsPerDevice(spreadMs: number): number {
  if (spreadMs === 0) return 1;
  const { retryMs, retryMaxMs } = RECEIVER_TIMING;
  const waitMs = spreadMs + SENDER_TIMING.gatherMs;
  // Averages over the random part of the first wait. That of later waits is short against them.
  let sum = 0;
  for (let step = 0; step < STEPS; step++) {
    let againMs = (retryMs * (step + 0.5)) / STEPS - retryMs / 2;
    for (let retry = retryMs; ; retry = Math.min(2 * retry, retryMaxMs)) {
      againMs += retry + retryMs / 2;
      if (againMs >= waitMs) break;
      sum += Math.min(1, (waitMs - againMs) / spreadMs);
    }
  }
  return 1 + sum / STEPS;
}

/** Sizes of the table in docs/scale.md: the image and the rate of its other figures. */
const TABLE = { sizeBytes: 1_284_976, rate: 65_536, fleets: [100, 1_000, 10_000, 100_000, 1_000_000] } as const;

/** Returns the table of docs/scale.md. */
export function scaleTable(): string {
  const { sizeBytes, rate, fleets } = TABLE;
  const estimates = fleets.map((devices) => estimateDelivery({ devices, sizeBytes, rate }));
  const row = (name: string, cell: (estimate: ScaleEstimate) => string): string =>
    `| ${name} | ${estimates.map(cell).join(" | ")} |`;
  return [
    `| devices | ${fleets.map(numberText).join(" | ")} |`,
    `|---|${fleets.map(() => "---").join("|")}|`,
    row("publisher: chunks sent", ({ chunks }) => numberText(chunks)),
    row("publisher: requests", ({ requests }) => numberText(requests)),
    row("publisher: requests a second", ({ requestsPerSecond }) => numberText(requestsPerSecond)),
    row("publisher: reports a second", ({ reportsPerSecond }) => numberText(reportsPerSecond)),
    row("brokers: messages to devices a second", ({ brokerMessagesPerSecond }) => numberText(brokerMessagesPerSecond)),
    row("brokers: Mbit to devices a second", ({ brokerBytesPerSecond }) =>
      numberText((brokerBytesPerSecond * 8) / 1_000_000),
    ),
    row("brokers with 1 Gbit/s each", ({ brokerBytesPerSecond }) =>
      numberText(Math.ceil((brokerBytesPerSecond * 8) / 1_000_000 / MBIT_PER_BROKER)),
    ),
    row("brokers: GB to devices in all", ({ brokerBytes }) => numberText(brokerBytes / 1_000_000_000)),
    row("download, in seconds", ({ downloadMs }) => numberText(downloadMs / 1_000)),
    row("restarts spread over, in seconds", ({ restartMs }) => numberText(restartMs / 1_000)),
  ].join("\n");
}

/** Formats a number with at most three digits that are not zero, in groups of three. */
function numberText(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en-US").replaceAll(",", " ");
}

if (import.meta.main) console.log(scaleTable());
