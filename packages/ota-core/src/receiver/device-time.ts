import type { OfferDocument } from "../messages/offer.ts";
import { isEarlier, latestTime } from "../signing/time-floor.ts";
import { DeviceClock } from "./device-clock.ts";
import { floorWith, type ReceiverRecord } from "./receiver-record.ts";

/** Times that a device knows besides its record. */
export interface KnownTimes {
  /** When the running image was built at the earliest, ISO 8601 in UTC. */
  readonly builtAt: string | undefined;
  /** When the trusted key set was issued, ISO 8601 in UTC. */
  readonly keySetIssuedAt: string | undefined;
}

/** What a device knows of the time: a floor, which has certainly passed, and a clock if it was set. */
export class DeviceTime {
  readonly clock: DeviceClock = new DeviceClock();

  /** Returns the time by which offers of an epoch expire: the later of clock and floor. */
  latest(epoch: number, record: ReceiverRecord, known: KnownTimes, now: number): string | undefined {
    return latestTime([this.#floor(epoch, record, known), this.clock.at(now)]);
  }

  /**
   * Returns the record with the time that an authentic offer tells; `undefined` if the device knows a later one. The
   * clock does not count: it may be wrong, and the floor stays until the epoch ends.
   */
  raised(offer: OfferDocument, record: ReceiverRecord, known: KnownTimes): ReceiverRecord | undefined {
    const floor = this.#floor(offer.epoch, record, known);
    if (floor !== undefined && !isEarlier(floor, offer.issued_at)) return undefined;
    return { ...record, floor: floorWith(record, offer) };
  }

  /** Only offers of the same epoch count, so that a wrong time ends with its epoch, like a counter. */
  #floor(epoch: number, { floor }: ReceiverRecord, { builtAt, keySetIssuedAt }: KnownTimes): string | undefined {
    return latestTime([builtAt, keySetIssuedAt, floor?.epoch === epoch ? floor.time : undefined]);
  }
}
