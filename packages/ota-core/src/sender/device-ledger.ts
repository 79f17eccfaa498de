import type { DeviceState } from "../messages/state-report.ts";
import type { StateReport } from "../schemas/types.generated.ts";
import { type Allowance, REPORTS_PER_MINUTE, REQUESTS_PER_MINUTE } from "./allowance.ts";
import type { Listener } from "./judge-request.ts";
import type { Account } from "./merge-requests.ts";
import type { DeviceProgress } from "./sender-events.ts";

/** Maximum number of devices that a publisher remembers, unless its options expect more. */
export const DEVICES_MAX = 20_000;

/** Number of images that a device's requests may cost before its reports show progress. */
export const CREDIT_IMAGES = 3;

/** Minimum number of lagging devices for an outlier threshold. */
const LAGGING_DEVICES_MIN = 20;

/** How a device's delivery ended. */
export type DeviceVerdict = "ok" | "failed";

/** What is known of one device. Times are on the clock of the events. */
export interface DeviceEntry extends Account, Listener {
  readonly device: string;
  /** The delivery waits for it by name. */
  readonly named: boolean;
  state: DeviceState | undefined;
  version: string | undefined;
  slot: string | undefined;
  runningSha256: string | undefined;
  received: number;
  online: boolean;
  error: StateReport["error"];
  heardAt: number | undefined;
  endedAt: number | undefined;
  verdict: DeviceVerdict | undefined;
  /** Maximum number of chunks that it reported: the same progress reported again earns no credit. */
  receivedMax: number;
  /** When its credit ran out, or when it last got a range without credit. */
  lastFreeChunkAt: number | undefined;
  /** Number of chunks that it lacks, as it last said; `undefined` before it asked or reported. */
  lacking: number | undefined;
  /** Minimum number of chunks that it lacked in a request so far: a request for fewer is no repetition. */
  leastLacking: number;
  /** Budgets of the messages that it sends. */
  readonly requests: Allowance;
  readonly reports: Allowance;
  /** It used up a budget. */
  isNoisy: boolean;
  /** It counts as failed because nothing was heard of it. The next message takes that back. */
  unreachable: boolean;
  /** First round that answered one of its requests in full. */
  joinedRound: number | undefined;
  /** Share that it lost of what was sent between its last two requests, from 0 to 1. Judged anew in each round. */
  lossShare: number;
}

/** Numbers of devices by how their delivery stands. */
export interface LedgerCounts {
  /** Devices that reported under the offer. */
  readonly heard: number;
  readonly ended: number;
  readonly failed: number;
  readonly namedEnded: number;
  readonly namedFailed: number;
}

/** Options of a {@link DeviceLedger}. */
export interface DeviceLedgerOptions {
  /** Devices that the delivery waits for by name. They are never forgotten. */
  readonly named: readonly string[];
  /** Maximum number of other devices that are remembered at once. */
  readonly limit: number;
  /** Chunks of the image. */
  readonly chunkCount: number;
}

/**
 * What a publisher knows of each device: its state, when it was heard, and what its requests may still cost.
 *
 * Bounded. When it is full, it forgets the device that was heard least recently, and that device's credit. Everything in
 * it is a claim of the devices.
 */
export class DeviceLedger {
  readonly #chunkCount: number;
  readonly #limit: number;
  readonly #named = new Map<string, DeviceEntry>();
  /** Least recently heard first. */
  readonly #others = new Map<string, DeviceEntry>();
  readonly #counts = { heard: 0, ended: 0, failed: 0, namedEnded: 0, namedFailed: 0 };
  #known = 0;
  #forgotten = 0;

  constructor(options: DeviceLedgerOptions) {
    this.#chunkCount = options.chunkCount;
    this.#limit = options.limit;
    for (const device of options.named) this.#named.set(device, this.#blank(device, true));
  }

  get counts(): LedgerCounts {
    return this.#counts;
  }

  /** Number of devices that the delivery waits for by name. */
  get named(): number {
    return this.#named.size;
  }

  /** Number of devices that were heard and not forgotten. */
  get known(): number {
    return this.#known;
  }

  /** Number of devices that were forgotten. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** `true` if more than 5 % of the devices compare their slot with the hash list, so that they are about to ask. */
  get isChecking(): boolean {
    let checking = 0;
    for (const { state, online, lacked } of this.entries()) {
      if (state === "checking" && online && lacked === undefined) checking++;
    }
    return checking > this.#counts.heard * 0.05;
  }

  /** Yields every device: those waited for by name, then the others, least recently heard first. */
  *entries(): Generator<DeviceEntry> {
    yield* this.#named.values();
    yield* this.#others.values();
  }

  find(device: string): DeviceEntry | undefined {
    return this.#named.get(device) ?? this.#others.get(device);
  }

  /** Returns the entry of a device that is heard now, and creates it if there is none. */
  hear(device: string, now: number): DeviceEntry {
    const entry = this.find(device) ?? this.#blank(device, false);
    if (!entry.named) {
      this.#others.delete(device);
      if (this.#others.size >= this.#limit) this.#forgetOne();
      this.#others.set(device, entry);
    }
    if (entry.heardAt === undefined) this.#known++;
    entry.heardAt = now;
    return entry;
  }

  /**
   * Takes a report of a device under the offer. Growth of `received` beyond its maximum so far earns credit.
   *
   * @param verdict - What the reported state means for the delivery.
   * @returns `true` if it changes what is shown of the device.
   */
  report(entry: DeviceEntry, report: StateReport, verdict: DeviceVerdict | undefined, now: number): boolean {
    const received = Math.min(report.received, this.#chunkCount);
    const changed =
      entry.state !== report.state ||
      entry.received !== received ||
      entry.online !== report.online ||
      entry.verdict !== verdict;
    if (entry.state === undefined) this.#counts.heard++;
    entry.state = report.state;
    entry.version = report.version;
    entry.slot = report.slot;
    entry.runningSha256 = report.running_sha256;
    entry.received = received;
    entry.online = report.online;
    // Without unknown members, which could have any size.
    entry.error = report.error && { code: report.error.code, message: report.error.message };
    entry.lacking = report.state === "downloading" ? this.#chunkCount - received : 0;
    entry.credit = Math.min(CREDIT_IMAGES * this.#chunkCount, entry.credit + Math.max(0, received - entry.receivedMax));
    entry.receivedMax = Math.max(entry.receivedMax, received);
    this.judge(entry, verdict, now);
    return changed;
  }

  /** Sets how a device's delivery ended; `undefined` if it goes on. */
  judge(entry: DeviceEntry, verdict: DeviceVerdict | undefined, now: number): void {
    if (entry.verdict === verdict) return;
    this.#count(entry, -1);
    entry.verdict = verdict;
    entry.endedAt = verdict === undefined ? undefined : now;
    this.#count(entry, 1);
  }

  /** Ends a device's delivery with an error that the device did not report. */
  fail(entry: DeviceEntry, error: NonNullable<StateReport["error"]>, now: number): void {
    entry.error = error;
    this.judge(entry, "failed", now);
  }

  /** Returns whether the delivery waits for a device that was silent for `silenceMs`, of the time since `since`. */
  hasSilent(now: number, silenceMs: number, since: number): boolean {
    for (const entry of this.entries()) {
      if (entry.verdict !== undefined || !(entry.named || entry.state !== undefined)) continue;
      if (Math.max(entry.heardAt ?? since, since) + silenceMs <= now) return true;
    }
    return false;
  }

  /**
   * Gives up devices that the delivery still waits for and that were silent for too long. A device whose application holds
   * back the restart is not given up: it has nothing to say, and its will says when it is gone.
   *
   * @param silenceMs - Maximum silence, in milliseconds.
   * @param since - Time from which devices could be heard.
   * @returns The devices given up now, and the earliest time at which there may be another.
   */
  giveUpSilent(now: number, silenceMs: number, since: number): { gone: DeviceEntry[]; nextAt: number } {
    const gone: DeviceEntry[] = [];
    let nextAt = now + silenceMs;
    for (const entry of this.entries()) {
      if (entry.verdict !== undefined || !(entry.named || entry.state !== undefined)) continue;
      if (entry.state === "ready-to-reboot" && entry.online) continue;
      const silentAt = Math.max(entry.heardAt ?? since, since) + silenceMs;
      if (silentAt > now) nextAt = Math.min(nextAt, silentAt);
      else gone.push(entry);
    }
    for (const entry of gone) {
      entry.unreachable = true;
      entry.online = false;
      const message = `nothing was heard of it for ${silenceMs / 1000} s`;
      this.fail(entry, { code: "delivery/no-device", message }, now);
    }
    return { gone, nextAt };
  }

  /**
   * Takes back that a device was given up, because it was heard.
   *
   * @returns `true` if it had been given up.
   */
  takeBack(entry: DeviceEntry, now: number): boolean {
    if (!entry.unreachable) return false;
    entry.unreachable = false;
    entry.error = undefined;
    this.judge(entry, undefined, now);
    return true;
  }

  /**
   * Returns how many chunks a device must lack to be far behind, so that an answer to all would help it alone. Such a
   * device is among at least 20 that lack something, fewer than 5 % of them lack as much, and it lacks at least 5 % of the
   * image more than the median. Infinite if fewer devices lack something.
   */
  outlierThreshold(): number {
    const lacking: number[] = [];
    for (const entry of this.entries()) if (entry.lacking) lacking.push(entry.lacking);
    if (lacking.length < LAGGING_DEVICES_MIN) return Number.POSITIVE_INFINITY;
    lacking.sort((left, right) => left - right);
    // Fewer than 5 % of them lack more than this.
    const most = lacking[lacking.length - Math.ceil(lacking.length * 0.05)] ?? 0;
    const median = lacking[lacking.length >>> 1] ?? 0;
    return Math.max(most + 1, median + this.#chunkCount * 0.05);
  }

  /** Returns how many chunks the median device lacks; `undefined` before one asked or reported. */
  medianLacking(): number | undefined {
    const lacking: number[] = [];
    for (const entry of this.entries()) if (entry.lacking !== undefined) lacking.push(entry.lacking);
    return lacking.sort((left, right) => left - right)[lacking.length >>> 1];
  }

  /**
   * Returns the share that the median of the devices which a round was for lost. Forgets what devices lost, so that the next
   * round is judged by the requests that follow it.
   *
   * @param round - The round that ended.
   */
  takeLoss(round: number): number {
    const shares: number[] = [];
    for (const entry of this.entries()) {
      if (entry.joinedRound !== undefined && entry.joinedRound <= round) shares.push(entry.lossShare);
      entry.lossShare = 0;
    }
    return shares.sort((left, right) => left - right)[shares.length >>> 1] ?? 0;
  }

  /**
   * Returns the progress of the named devices, and of the others that reported under the offer.
   *
   * @param startedAt - When the delivery started.
   */
  progress(startedAt: number): DeviceProgress[] {
    const devices: DeviceProgress[] = [];
    for (const entry of this.entries()) {
      if (entry.named || entry.state !== undefined) devices.push(this.progressOf(entry, startedAt));
    }
    return devices;
  }

  /** Returns the progress of one device. */
  progressOf(entry: DeviceEntry, startedAt: number): DeviceProgress {
    const { device, state, version, slot, runningSha256, received, online, isNoisy, error, heardAt, endedAt } = entry;
    const heardAtMs = heardAt === undefined ? undefined : heardAt - startedAt;
    const endedAtMs = endedAt === undefined ? undefined : endedAt - startedAt;
    return {
      device,
      state,
      version,
      slot,
      runningSha256,
      received,
      total: this.#chunkCount,
      online,
      isNoisy,
      error,
      heardAtMs,
      endedAtMs,
    };
  }

  #blank(device: string, named: boolean): DeviceEntry {
    return {
      device,
      named,
      state: undefined,
      version: undefined,
      slot: undefined,
      runningSha256: undefined,
      received: 0,
      online: false,
      error: undefined,
      heardAt: undefined,
      endedAt: undefined,
      verdict: undefined,
      unreachable: false,
      receivedMax: 0,
      lastFreeChunkAt: undefined,
      lacking: undefined,
      leastLacking: Number.POSITIVE_INFINITY,
      requests: { left: REQUESTS_PER_MINUTE, at: 0 },
      reports: { left: REPORTS_PER_MINUTE, at: 0 },
      isNoisy: false,
      joinedRound: undefined,
      lossShare: 0,
      listeningFrom: undefined,
      seenUntil: 0,
      lacked: undefined,
      askedAt: 0,
      credit: CREDIT_IMAGES * this.#chunkCount,
    };
  }

  #forgetOne(): void {
    const [oldest] = this.#others.values();
    if (oldest === undefined) return;
    this.#others.delete(oldest.device);
    this.#count(oldest, -1);
    if (oldest.state !== undefined) this.#counts.heard--;
    this.#known--;
    this.#forgotten++;
  }

  #count(entry: DeviceEntry, change: 1 | -1): void {
    if (entry.verdict === undefined) return;
    this.#counts.ended += change;
    if (entry.verdict === "failed") this.#counts.failed += change;
    if (!entry.named) return;
    this.#counts.namedEnded += change;
    if (entry.verdict === "failed") this.#counts.namedFailed += change;
  }
}
