import type { OtaError } from "../errors.ts";
import { describeError, type ReportedError } from "../messages/reported-error.ts";
import type { ReceivedOffer } from "./received-offer.ts";
import type { ReceiverAction } from "./receiver-events.ts";
import {
  type Attempt,
  BLANK_RECORD,
  floorWith,
  type OfferOutcome,
  type Outcome,
  type ReceiverRecord,
  withOutcome,
  withoutWhole,
} from "./receiver-record.ts";

/**
 * What a device knows of offers: the record in its flash, the offer that its reports name, and the error they give.
 *
 * Sans-IO: a method that changes the record returns the action that stores it.
 */
export class OfferLedger {
  #record: ReceiverRecord = BLANK_RECORD;
  #running: string | undefined;
  #offer: string | undefined;
  #image: string | undefined;
  #error: ReportedError | undefined;

  /** The record as last stored. */
  get record(): ReceiverRecord {
    return this.#record;
  }

  /** Id of the offer that reports name. */
  get offer(): string | undefined {
    return this.#offer;
  }

  /** SHA-256 of that offer's image, 64 hexadecimal digits. */
  get image(): string | undefined {
    return this.#image;
  }

  /** The error in reports. */
  get error(): ReportedError | undefined {
    return this.#error;
  }

  /**
   * Restores what the device knew before the reset.
   *
   * @param record - The record read from flash, if any.
   * @param running - SHA-256 of the running image, 64 hexadecimal digits.
   */
  load(record: ReceiverRecord | undefined, running: string): void {
    this.#record = record ?? BLANK_RECORD;
    this.#running = running;
    this.#offer = this.#record.attempt?.offer;
    this.#image = this.#record.attempt?.image;
  }

  /**
   * Returns `true` if the device runs an image.
   *
   * @param image - SHA-256 of the image, 64 hexadecimal digits.
   */
  isRunning(image: string): boolean {
    return this.#running === image;
  }

  /** Replaces the record. */
  store(record: ReceiverRecord): ReceiverAction {
    this.#record = record;
    return { type: "store", record };
  }

  /** Names an offer that the device accepts. The record changes only if the device did not know the offer. */
  accept({ offer, release, payloadSha256 }: ReceivedOffer, isKnown: boolean): ReceiverAction[] {
    this.#offer = offer.id;
    this.#image = release?.image.sha256;
    this.#error = release === undefined ? describeError("offer/withdrawn") : undefined;
    if (isKnown) return [];
    const accepted = [offer.epoch, offer.sequence] as const;
    return [this.store({ accepted, payloadSha256, floor: floorWith(this.#record, offer) })];
  }

  /**
   * Names an offer that the device can't take.
   *
   * @param offer - Id of the offer.
   */
  reject(offer: string, { code, message }: OtaError): void {
    this.#offer = offer;
    this.#image = undefined;
    this.#error = { code, message };
  }

  /** Names an offer that ended earlier. */
  resume({ offer, image, error }: OfferOutcome): void {
    this.#offer = offer;
    this.#image = image;
    this.#error = error === undefined ? undefined : describeError(error);
  }

  /**
   * Changes the error in reports.
   *
   * @param code - Code of the error. It may have been stored before the reset.
   */
  blame(code: string): void {
    this.#error = describeError(code);
  }

  /** Records how the named offer ended; the offer of an attempt if there is one. Changes nothing if no offer is named. */
  end(outcome: Outcome, attempt: Attempt | undefined): ReceiverAction[] {
    const offer = attempt?.offer ?? this.#offer;
    const image = attempt?.image ?? this.#image;
    if (offer === undefined || image === undefined) return [];
    const error = this.#error?.code;
    const ended = { offer, image, outcome, ...(error === undefined ? {} : { error }) };
    return [this.store(withOutcome(this.#record, ended))];
  }

  /** Records that the download of the named offer failed. */
  fail({ code, message }: OtaError): ReceiverAction {
    const { offer = "", image = "" } = { offer: this.#offer, image: this.#image };
    this.#error = { code, message };
    return this.store(withOutcome(this.#record, { offer, image, outcome: "failed", error: code }));
  }

  /** Records that the target slot holds the whole image of the accepted offer, or that the slot is about to change. */
  setWhole(isWhole: boolean): ReceiverAction[] {
    if ((this.#record.whole ?? false) === isWhole) return [];
    return [this.store(isWhole ? { ...this.#record, whole: true } : withoutWhole(this.#record))];
  }
}
