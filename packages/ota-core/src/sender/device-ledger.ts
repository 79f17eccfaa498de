import type { DeviceState } from "../messages/state-report.ts";
import type { StateReport } from "../schemas/types.generated.ts";
import type { Account } from "./merge-requests.ts";
import type { DeviceProgress } from "./sender-events.ts";

/** The most devices a publisher keeps in mind, unless its own options name more. */
export const DEVICES_MAX = 20_000;

/** Images that a device's requests may cost before its reports show progress. */
export const CREDIT_IMAGES = 3;

/** Fewer devices than this are no crowd that one of them could be behind. */
const CROWD_MIN = 20;

/** How a device's delivery ended. */
export type DeviceVerdict = "ok" | "failed";

/** What is known of one device. Times are on the clock of the events. */
export interface DeviceEntry extends Account {
  readonly device: string;
  /** It is one of those the delivery waits for by name. */
  readonly named: boolean;
  state: DeviceState | undefined;
  version: string | undefined;
  slot: string | undefined;
  received: number;
  online: boolean;
  error: StateReport["error"];
  heardAt: number | undefined;
  endedAt: number | undefined;
  verdict: DeviceVerdict | undefined;
  /** The most chunks it ever reported: telling the same progress twice earns nothing. */
  receivedMax: number;
  /** When its credit ran out, or it was last given a range without. */
  favourAt: number | undefined;
  /** Chunks it lacks by its own latest word; `undefined` before it asked or reported. */
  lacking: number | undefined;
  /** Its verdict is that nothing was heard of it; the next word of it takes that back. */
  unreachable: boolean;
  /** The first round that answered a request of it in full. */
  joinedRound: number | undefined;
}

/** How many devices stand how. */
export interface LedgerCounts {
  /** Devices that reported under the offer. */
  readonly heard: number;
  readonly ended: number;
  readonly failed: number;
  readonly namedEnded: number;
  readonly namedFailed: number;
}

/** What a {@link DeviceLedger} is made with. */
export interface DeviceLedgerOptions {
  /** Devices the delivery waits for; they are never forgotten. */
  readonly named: readonly string[];
  /** Other devices that are remembered at once. */
  readonly limit: number;
  /** Chunks of the image. */
  readonly chunkCount: number;
}

/**
 * What a publisher knows of each device, bounded: where it stands, when it was heard, what it may still cost.
 *
 * When it is full, the device that was heard least recently is forgotten, its credit with it. Everything here is the
 * devices' own claim.
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

  /** Devices the delivery waits for by name. */
  get named(): number {
    return this.#named.size;
  }

  /** Devices that were heard of at all, and not forgotten. */
  get known(): number {
    return this.#known;
  }

  /** How often a device had to be forgotten for another. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Every device: those waited for by name, then the others, least recently heard first. */
  *entries(): Generator<DeviceEntry> {
    yield* this.#named.values();
    yield* this.#others.values();
  }

  find(device: string): DeviceEntry | undefined {
    return this.#named.get(device) ?? this.#others.get(device);
  }

  /** The entry of a device that is being heard now; made when there is none. */
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
   * Takes over what a device reports under the offer; growth of `received` past its earlier best earns credit.
   *
   * @param verdict - What the reported state means for the delivery.
   * @returns Whether something of it is news.
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
    entry.received = received;
    entry.online = report.online;
    // Members that the schema does not know are left behind: they could be of any size.
    entry.error = report.error && { code: report.error.code, message: report.error.message };
    entry.lacking = report.state === "downloading" ? this.#chunkCount - received : 0;
    entry.credit = Math.min(CREDIT_IMAGES * this.#chunkCount, entry.credit + Math.max(0, received - entry.receivedMax));
    entry.receivedMax = Math.max(entry.receivedMax, received);
    this.judge(entry, verdict, now);
    return changed;
  }

  /** Sets how a device's delivery ended; `undefined`: it goes on. */
  judge(entry: DeviceEntry, verdict: DeviceVerdict | undefined, now: number): void {
    if (entry.verdict === verdict) return;
    this.#count(entry, -1);
    entry.verdict = verdict;
    entry.endedAt = verdict === undefined ? undefined : now;
    this.#count(entry, 1);
  }

  /** Ends a device's delivery with an error that is not the device's own. */
  fail(entry: DeviceEntry, error: NonNullable<StateReport["error"]>, now: number): void {
    entry.error = error;
    this.judge(entry, "failed", now);
  }

  /**
   * Gives up the devices that still count for the delivery, and were silent for too long.
   *
   * @param silenceMs - How long is too long.
   * @param since - From when on they could be heard at all.
   * @returns Those given up just now, and the earliest time at which there may be another.
   */
  giveUpSilent(now: number, silenceMs: number, since: number): { gone: DeviceEntry[]; nextAt: number } {
    const gone: DeviceEntry[] = [];
    let nextAt = now + silenceMs;
    for (const entry of this.entries()) {
      if (entry.verdict !== undefined || !(entry.named || entry.state !== undefined)) continue;
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
   * @returns Whether it had been.
   */
  takeBack(entry: DeviceEntry, now: number): boolean {
    if (!entry.unreachable) return false;
    entry.unreachable = false;
    entry.error = undefined;
    this.judge(entry, undefined, now);
    return true;
  }

  /**
   * How many chunks a device has to lack to be far behind, so that an answer to all would be of use to it alone. At
   * least 20 devices lack something, fewer than 5 % of them lack as much as it or more, and it lacks at least 5 % of the
   * image more than the median. Infinite without a crowd.
   */
  lineOfCrowd(): number {
    const lacking: number[] = [];
    for (const entry of this.entries()) if (entry.lacking) lacking.push(entry.lacking);
    if (lacking.length < CROWD_MIN) return Number.POSITIVE_INFINITY;
    lacking.sort((left, right) => left - right);
    // More than this is lacked by fewer than 5 % of them.
    const most = lacking[lacking.length - Math.ceil(lacking.length * 0.05)] ?? 0;
    const median = lacking[lacking.length >>> 1] ?? 0;
    return Math.max(most + 1, median + this.#chunkCount * 0.05);
  }

  /**
   * Whether the median of the devices that a round was for lacks more than 5 % of it.
   *
   * @param round - The round that ended.
   * @param sent - Chunks that it sent.
   */
  lostInRound(round: number, sent: number): boolean {
    const lacking: number[] = [];
    for (const entry of this.entries()) {
      if (entry.joinedRound !== undefined && entry.joinedRound <= round) lacking.push(entry.lacking ?? 0);
    }
    lacking.sort((left, right) => left - right);
    return (lacking[lacking.length >>> 1] ?? 0) > sent * 0.05;
  }

  /**
   * The devices to tell the world about: named ones, and others that reported under the offer.
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

  /** One device as the world sees it. */
  progressOf(entry: DeviceEntry, startedAt: number): DeviceProgress {
    const { device, state, version, slot, received, online, error, heardAt, endedAt } = entry;
    const heardAtMs = heardAt === undefined ? undefined : heardAt - startedAt;
    const endedAtMs = endedAt === undefined ? undefined : endedAt - startedAt;
    return { device, state, version, slot, received, total: this.#chunkCount, online, error, heardAtMs, endedAtMs };
  }

  #blank(device: string, named: boolean): DeviceEntry {
    return {
      device,
      named,
      state: undefined,
      version: undefined,
      slot: undefined,
      received: 0,
      online: false,
      error: undefined,
      heardAt: undefined,
      endedAt: undefined,
      verdict: undefined,
      unreachable: false,
      receivedMax: 0,
      favourAt: undefined,
      lacking: undefined,
      joinedRound: undefined,
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
