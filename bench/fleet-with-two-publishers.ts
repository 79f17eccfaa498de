import { setTimeout as delay } from "node:timers/promises";
import type { ParseArgsOptionsConfig } from "node:util";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { ended, packageForFleet, start } from "./fleet-processes.ts";
import { FleetWatch } from "./fleet-watch.ts";

/** A delivery by a publisher that makes the offer and one that joins it. */
export interface TwoPublisherDelivery {
  readonly devices: number;
  readonly sizeBytes: number;
  /** Bytes per second. */
  readonly rate: number;
  /** Limit in seconds, from the start of the devices. */
  readonly timeout: number;
}

/** Brokers of a {@link TwoPublisherDelivery}, and what happens in it. */
export interface FleetCourse {
  /** An empty folder for files of the delivery. */
  readonly folder: string;
  /** URLs of brokers, which may be one. */
  readonly urls: Readonly<Record<"devices" | "first" | "joined" | "watch", string>>;
  /** QoS of chunks. */
  readonly qos: 0 | 1;
  /** More options of `tinybms-sim run`. */
  readonly simulatorOptions?: readonly string[];
  /** What happens when the median device has a share of the image, in ascending order of shares. */
  readonly events: readonly FleetEvent[];
}

/** Something that happens in a delivery. */
export interface FleetEvent {
  /** Share of the image that the median device has. */
  readonly at: number;
  /** @param killFirst - Kills the publisher that made the offer with SIGKILL. */
  happen(killFirst: () => Promise<void>): Promise<void>;
}

/** Result of a {@link TwoPublisherDelivery}. */
export interface TwoPublisherResult {
  readonly confirmed: number;
  /** Devices by state; absent are those that never reported. */
  readonly states: Readonly<Record<string, number>>;
  /** Shares that the median device had when the events happened. */
  readonly happenedAt: readonly number[];
  /** Exit code of the publisher that joined (`null` if it did not end), what it reported, and images that it sent. */
  readonly joined: { readonly exitCode: number | null; readonly error: string | undefined; readonly images: number };
  /** Images that the watched broker passed on, of both publishers. */
  readonly images: number;
  /** From the start of the first publisher until all confirmed. */
  readonly wallS: number | undefined;
}

/** Runs a delivery. Ends it after its timeout, with what there is by then. */
export async function deliverByTwo(delivery: TwoPublisherDelivery, course: FleetCourse): Promise<TwoPublisherResult> {
  const { devices, sizeBytes, rate, timeout } = delivery;
  const { folder, urls, qos, events } = course;
  const bytes = buildAppImage({ chip: "esp32", version: "1.1.0", projectName: "fleet", sizeBytes, seed: 2 });
  const { manifest, version, image } = await packageForFleet(folder, bytes, { qos, rate });
  const fleet = ["--devices", String(devices), "--before", image, ...(course.simulatorOptions ?? [])];
  const watch = await FleetWatch.connect(urls.watch, devices);
  const simulator = start("tinybms-sim", "run", "--broker", urls.devices, ...fleet, "--json");
  const ends = [{ child: simulator, signal: "SIGINT" as NodeJS.Signals, ended: ended(simulator) }];
  const deploy = (url: string, ...args: readonly string[]) => {
    const options = ["--manifest", manifest, "--version", version, "--broker", url, "--json", ...args];
    const limits = ["--expect", String(devices), "--timeout", String(timeout)];
    const child = start("tinybms-ota", "deploy", ...options, ...limits);
    const end = { child, signal: "SIGKILL" as NodeJS.Signals, ended: ended(child) };
    ends.unshift(end);
    return end;
  };

  const happenedAt: number[] = [];
  let joined: ReturnType<typeof deploy> | undefined;
  let wallS: number | undefined;
  const limit = new AbortController();
  const run = async (): Promise<void> => {
    await watch.untilOnline();
    const startedAt = performance.now();
    const first = deploy(urls.first);
    await watch.untilMedian(Number.MIN_VALUE);
    joined = deploy(urls.joined, "--join");
    for (const { at, happen } of events) {
      await watch.untilMedian(at);
      if (limit.signal.aborted) return;
      happenedAt.push(watch.median);
      await happen(async () => {
        first.child.kill("SIGKILL");
        await first.ended;
      });
    }
    await watch.untilConfirmed();
    wallS = (performance.now() - startedAt) / 1_000;
    await joined.ended;
  };
  const late = delay(timeout * 1_000, undefined, { signal: limit.signal }).catch(() => undefined);
  try {
    await Promise.race([run(), late]);
  } finally {
    limit.abort();
    for (const { child, signal, ended } of ends) {
      child.kill(signal);
      await ended;
    }
    await watch.close();
  }
  const chunks = Math.ceil(sizeBytes / 4_096);
  const { confirmed, states } = watch;
  const ofJoined = joinedOf(await joined?.ended, chunks);
  return { confirmed, states, happenedAt, joined: ofJoined, images: watch.chunks / chunks, wallS };
}

type Ended = Awaited<ReturnType<typeof ended>>;

function joinedOf(end: Ended | undefined, chunks: number): TwoPublisherResult["joined"] {
  if (end === undefined) return { exitCode: null, error: "it was not started", images: 0 };
  const { code: exitCode, stdout } = end;
  if (stdout === "") return { exitCode, error: "it did not end", images: 0 };
  const { deliveries, error } = JSON.parse(stdout) as {
    readonly deliveries?: readonly { readonly chunksSent: number }[];
    readonly error?: { readonly message: string };
  };
  return { exitCode, error: error?.message, images: (deliveries?.[0]?.chunksSent ?? 0) / chunks };
}

/** Command-line options of a {@link TwoPublisherDelivery}, for `parseArgs`. */
export const DELIVERY_OPTIONS = {
  devices: { type: "string", default: "300" },
  size: { type: "string", default: "1284976" },
  rate: { type: "string", default: "65536" },
  timeout: { type: "string", default: "900" },
} as const satisfies ParseArgsOptionsConfig;

/** Reads the values of {@link DELIVERY_OPTIONS}. */
export function deliveryOf(values: Readonly<Record<keyof typeof DELIVERY_OPTIONS, string>>): TwoPublisherDelivery {
  const { devices, size, rate, timeout } = values;
  return { devices: Number(devices), sizeBytes: Number(size), rate: Number(rate), timeout: Number(timeout) };
}

/** Prints a result. The process exits with 1 unless every device confirmed and the publisher that joined ended with 0. */
export function printResult(result: TwoPublisherResult, { devices }: TwoPublisherDelivery): void {
  console.log(JSON.stringify(result, undefined, 2));
  if (result.confirmed !== devices || result.joined.exitCode !== 0) process.exitCode = 1;
}
