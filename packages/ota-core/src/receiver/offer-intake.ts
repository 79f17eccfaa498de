import type { OtaError } from "../errors.ts";
import type { Immutable } from "../messages/json-message.ts";
import type { OfferDocument } from "../messages/offer.ts";
import type { Topics } from "../messages/topics.ts";
import type { KeySet } from "../schemas/types.generated.ts";
import { decideOnOffer, type OfferSituation } from "./decide-on-offer.ts";
import { DeviceTime, type KnownTimes } from "./device-time.ts";
import { type EnvelopeEvent, EnvelopeIntake, type IntakeResult } from "./envelope-intake.ts";
import { needsClock } from "./install-gate.ts";
import type { DeviceFacts } from "./offer-check.ts";
import type { OfferGateOptions } from "./offer-gate.ts";
import type { OfferLedger } from "./offer-ledger.ts";
import type { ReceivedOffer } from "./received-offer.ts";
import type { ReceiverCounters } from "./receiver-counters.ts";
import type { ReceiverAction, ReceiverContext, ReceiverEvent } from "./receiver-events.ts";
import type { OfferOutcome } from "./receiver-record.ts";
import type { OfferAnswer } from "./receiver-reports.ts";

/** Options of an {@link OfferIntake}. */
export interface OfferIntakeOptions extends OfferGateOptions {
  /** Chip id of ESP-IDF's image header. */
  readonly chipId: number;
}

/** What the receiver does because of an envelope. */
export type OfferIntakeResult =
  /** Answer the sender of an offer. */
  | { readonly type: "answer"; readonly answer: OfferAnswer }
  /** The device takes the offer, in the place of what it does. */
  | { readonly type: "accept"; readonly received: ReceivedOffer; readonly isKnown: boolean }
  /** The accepted offer ended earlier. */
  | { readonly type: "resume"; readonly outcome: OfferOutcome }
  /** The device can't take an authentic offer. */
  | { readonly type: "reject"; readonly offer: OfferDocument; readonly error: OtaError }
  /** The device trusts the next key set. */
  | { readonly type: "key-set-taken" };

/** Result of {@link OfferIntake.handle}. Carry out `actions` first. */
export interface OfferIntakeStep {
  readonly actions: readonly ReceiverAction[];
  /** `undefined` if the event changes nothing that the device does. */
  readonly result?: OfferIntakeResult | undefined;
}

/** What a device is doing when an envelope arrives. */
export type IntakeSituation = Pick<OfferSituation, "isResting" | "isReplaceable"> & {
  /** The device's one buffer for messages holds a chunk that is being written. */
  readonly isWriting: boolean;
};

type BootedEvent = Extract<ReceiverEvent, { type: "booted" }>;

/**
 * Takes in offers and key sets, counts what it refuses, and decides what the receiver does about the others. Keeps no
 * copy of an offer that has to wait: it subscribes again, and the broker repeats the offer.
 *
 * Sans-IO: each method returns actions.
 */
export class OfferIntake {
  readonly #options: OfferIntakeOptions;
  readonly #envelopes: EnvelopeIntake;
  readonly #ledger: OfferLedger;
  readonly #counters: ReceiverCounters;
  readonly #time = new DeviceTime();
  #boot: BootedEvent | undefined;
  /** An authentic offer arrived that has to wait until the device rests. */
  #isOfferWaiting = false;
  /** An offer was rejected because the device does not know the time. */
  #isClockAwaited = false;

  /**
   * @param ledger - What the device knows of offers.
   * @param counters - What counts drops and refusals.
   * @throws {@link OtaError} as `OfferGate`.
   */
  constructor(options: OfferIntakeOptions, topics: Topics, ledger: OfferLedger, counters: ReceiverCounters) {
    this.#options = options;
    this.#envelopes = new EnvelopeIntake(options, topics);
    this.#ledger = ledger;
    this.#counters = counters;
  }

  /** The trusted key set; `undefined` on a device without a key set. */
  get keySet(): Immutable<KeySet> | undefined {
    return this.#envelopes.keySet;
  }

  /** `true` while a signature is being verified. */
  get isExamining(): boolean {
    return this.#envelopes.isExamining;
  }

  /** `true` if the device knows the time. */
  get hasClock(): boolean {
    return this.#time.clock.isSet;
  }

  /** Returns the time in milliseconds since 1970; `undefined` if it is unknown. */
  utcAt(now: number): number | undefined {
    return this.#time.clock.utcAt(now);
  }

  /** Restores trust after a reset, see `EnvelopeIntake.resume`. */
  boot(event: BootedEvent): ReceiverAction[] {
    this.#boot = event;
    return this.#envelopes.resume(event.keySet);
  }

  /** Subscribes to the next key set and to offers, see `EnvelopeIntake.subscribe`. */
  subscribe(context: ReceiverContext): ReceiverAction[] {
    return this.#envelopes.subscribe(context);
  }

  /** Takes the end of the timer `verify`. */
  timerFired(context: ReceiverContext): ReceiverAction[] {
    return this.#envelopes.timerFired(context);
  }

  /** Sets the clock. Has the broker repeat an offer that was rejected for want of one. */
  setClock(utc: number | undefined, context: ReceiverContext): ReceiverAction[] {
    this.#time.clock.set(utc, context.now);
    if (!this.hasClock || !this.#isClockAwaited) return [];
    this.#isClockAwaited = false;
    return this.subscribe(context);
  }

  /** The offer at hand ended: has the broker repeat one that had to wait. */
  offerEnded(context: ReceiverContext): ReceiverAction[] {
    if (!this.#isOfferWaiting) return [];
    this.#isOfferWaiting = false;
    return this.subscribe(context);
  }

  /** Takes an envelope, or the answer to the last `verify` action, after `boot`. */
  handle(event: EnvelopeEvent, situation: IntakeSituation, context: ReceiverContext): OfferIntakeStep {
    const isBufferTaken = event.type !== "verified" && event.payload.length > 0 && situation.isWriting;
    const { actions, result } = isBufferTaken
      ? this.#envelopes.postpone("busy", context.now)
      : this.#envelopes.handle(event, this.#ledger.record, context);
    if (result === undefined) return { actions };
    const step = this.#take(result, situation, context.now);
    return { actions: [...actions, ...step.actions], result: step.result };
  }

  #take(result: IntakeResult, situation: IntakeSituation, now: number): OfferIntakeStep {
    switch (result.kind) {
      case "admitted":
        return this.#takeOffer(result.received, result.known, situation, now);
      case "dropped":
        this.#counters.drop(result.reason);
        return { actions: [] };
      case "early":
        this.#counters.drop("early");
        return answered({ offer: result.offer.id, state: "waiting", error: result.error, isAuthentic: false });
      case "refused": {
        const { error, isAuthentic, offer, reason } = result;
        this.#counters.refuse(reason, error.code);
        return answered({ offer: offer.id, state: "rejected", error, isAuthentic });
      }
      case "malformed":
        this.#counters.refuse("malformed", result.error.code);
        return { actions: [] };
      case "key-set-refused":
        this.#counters.refuse("untrusted", result.error.code);
        return { actions: [] };
      case "key-set-taken":
        return { actions: [], result: { type: "key-set-taken" } };
    }
  }

  #takeOffer(received: ReceivedOffer, isKnown: boolean, situation: IntakeSituation, now: number): OfferIntakeStep {
    const { offer } = received;
    const { record, offer: current, error } = this.#ledger;
    const { isResting, isReplaceable } = situation;
    const facts = this.#factsFor(offer, isKnown, now);
    const decision = decideOnOffer(received, isKnown, {
      isResting,
      isReplaceable,
      offer: current,
      error: error?.code,
      outcome: record.outcome,
      facts,
    });
    switch (decision.type) {
      case "keep":
        return { actions: [] };
      case "resume":
        return { actions: [], result: decision };
      case "wait":
        this.#isOfferWaiting = true;
        return answered({ offer: offer.id, state: "waiting", error: undefined, isAuthentic: true });
      case "reject":
        if (!facts.hasClock && needsClock(offer)) this.#isClockAwaited = true;
        return { actions: this.#raiseFloor(offer), result: { type: "reject", offer, error: decision.error } };
      case "accept":
        return { actions: [], result: { type: "accept", received, isKnown } };
    }
  }

  #factsFor(offer: OfferDocument, isKnown: boolean, now: number): DeviceFacts {
    const { product, chipId } = this.#options;
    const timeFloor = this.#time.latest(offer.epoch, this.#ledger.record, this.#knownTimes(), now);
    // An accepted offer was taken while the device knew the time. After a reset it waits for the time to come back.
    const hasClock = isKnown || this.hasClock;
    return { ...(this.#boot as BootedEvent), product, chipId, hasClock, timeFloor };
  }

  /** Raises the floor by the time of a signed offer, even if the device can't take the offer. */
  #raiseFloor(offer: OfferDocument): ReceiverAction[] {
    if (this.keySet === undefined) return [];
    const record = this.#time.raised(offer, this.#ledger.record, this.#knownTimes());
    return record === undefined ? [] : [this.#ledger.store(record)];
  }

  #knownTimes(): KnownTimes {
    return { builtAt: this.#boot?.running.builtAt, keySetIssuedAt: this.keySet?.issued_at };
  }
}

function answered(answer: OfferAnswer): OfferIntakeStep {
  return { actions: [], result: { type: "answer", answer } };
}
