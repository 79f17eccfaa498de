import { compareSequence } from "../messages/offer.ts";
import { readStateReport } from "../messages/state-report.ts";
import { imageIdOf, isDeviceId } from "../messages/topics.ts";
import type { StateReport } from "../schemas/types.generated.ts";
import { verdictOf } from "./delivery-end.ts";
import type { DeviceEntry, DeviceLedger } from "./device-ledger.ts";
import { contradictionOf, type OfferedImage } from "./report-contradiction.ts";
import type { CompetingOffer, DeviceProgress, SenderEvent } from "./sender-events.ts";
import type { SenderOptions } from "./sender-options.ts";

/** Result of {@link DeviceReports.take}. */
export type ReportResult =
  | { readonly type: "malformed" }
  /** Progress to show, in order; empty if nothing changed. */
  | { readonly type: "taken"; readonly progress: readonly DeviceProgress[] };

/**
 * Takes what devices say about an offer into a ledger.
 *
 * A report counts if it names the offer's id. A retained report under this id is how the device answered while the
 * publisher was away; a retained report of another offer is history. Of a report with `online: false`, the will, only
 * `online` counts: the rest may be older than what the device reported since.
 */
export class DeviceReports {
  readonly #options: SenderOptions;
  readonly #ledger: DeviceLedger;
  readonly #offered: OfferedImage;
  #startedAt = 0;
  #newestAt = 0;

  constructor(options: SenderOptions, ledger: DeviceLedger) {
    const { image, counter } = options;
    this.#options = options;
    this.#ledger = ledger;
    this.#offered = { imageId: imageIdOf(image.sha256), sha256: image.sha256.toLowerCase(), counter };
  }

  /** When the latest device was first heard under the offer. */
  get newestAt(): number {
    return this.#newestAt;
  }

  /** Records the start of the delivery, from which progress counts its times. */
  start(now: number): void {
    this.#startedAt = now;
  }

  /** Returns the progress of the devices that are waited for by name, and of those heard under the offer. */
  all(): DeviceProgress[] {
    return this.#ledger.progress(this.#startedAt);
  }

  /** Returns the progress of one device. */
  progressOf(entry: DeviceEntry): DeviceProgress {
    return this.#ledger.progressOf(entry, this.#startedAt);
  }

  /** Records that a device was heard. If it counted as unreachable, it does not any more, and `progress` says so. */
  hear(device: string, now: number): { readonly entry: DeviceEntry; readonly progress: DeviceProgress[] } {
    const entry = this.#ledger.hear(device, now);
    return { entry, progress: this.#ledger.takeBack(entry, now) ? [this.progressOf(entry)] : [] };
  }

  /** Takes a state report. */
  take({ device, payload, retained, now }: Extract<SenderEvent, { type: "state" }>): ReportResult {
    const report = isDeviceId(device) ? readStateReport(payload) : undefined;
    if (report?.device !== device) return { type: "malformed" };
    return { type: "taken", progress: this.#progressBy(report, retained, now) };
  }

  /** Ends the delivery for a device that another offer is in force for. */
  lose(device: string, by: Pick<CompetingOffer, "counter" | "version">, now: number): DeviceProgress[] {
    const entry = this.#ledger.find(device);
    if (entry === undefined || entry.verdict !== undefined) return [];
    const code = by.version === undefined ? "delivery/withdrawn" : "delivery/superseded";
    const [epoch, sequence] = by.counter;
    const message = `another offer (epoch ${epoch}, sequence ${sequence}) took the place of this one`;
    this.#ledger.fail(entry, { code, message }, now);
    return [this.progressOf(entry)];
  }

  #progressBy(report: StateReport, isRetained: boolean, now: number): DeviceProgress[] {
    const isOurs = report.offer === this.#options.offerId;
    const known = this.#ledger.find(report.device);
    if (isRetained && !isOurs) return [];
    if (!report.online) {
      if (known?.online !== true) return [];
      known.online = false;
      return [this.progressOf(known)];
    }
    // What the broker repeats, and is known, is no sign of life.
    if (isRetained && known?.online === true && isKnown(known, report)) return [];
    if (!isOurs) return known === undefined ? [] : this.#hearElsewhere(known, report, now);
    const { entry, progress } = this.hear(report.device, now);
    if (entry.state === undefined) this.#newestAt = now;
    const fault = contradictionOf(report, this.#offered);
    const hasChanged =
      fault === undefined
        ? this.#ledger.report(entry, report, verdictOf(report.state, this.#options.wait), now)
        : this.#ledger.report(entry, contradictory(report, fault), "failed", now);
    return hasChanged ? [...progress, this.progressOf(entry)] : progress;
  }

  /** A device that was on this offer and has accepted a later one does not come back to it. */
  #hearElsewhere(known: DeviceEntry, { device, accepted }: StateReport, now: number): DeviceProgress[] {
    const { progress } = this.hear(device, now);
    const [epoch, sequence] = accepted;
    if (known.state === undefined || compareSequence([epoch, sequence], this.#options.counter) <= 0) return progress;
    return [...progress, ...this.lose(device, { counter: [epoch, sequence], version: "" }, now)];
  }
}

function isKnown({ state, received }: DeviceEntry, report: StateReport): boolean {
  return state === report.state && received === report.received;
}

/** Returns a report that claims success and contradicts itself as the failure that it is. */
function contradictory(report: StateReport, fault: string): StateReport {
  return { ...report, error: { code: "delivery/contradictory-report", message: `its report does not fit: ${fault}` } };
}
