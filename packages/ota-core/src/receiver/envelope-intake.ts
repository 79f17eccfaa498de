import type { OtaError } from "../errors.ts";
import type { Immutable } from "../messages/json-message.ts";
import type { Topics } from "../messages/topics.ts";
import type { KeySet } from "../schemas/types.generated.ts";
import { type Admission, OfferGate, type OfferGateOptions } from "./offer-gate.ts";
import type { DropReason, ReceiverAction, ReceiverContext, ReceiverEvent } from "./receiver-events.ts";
import type { ReceiverRecord } from "./receiver-record.ts";
import type { TrustVerdict } from "./receiver-trust.ts";
import { RetainedRetry } from "./retained-retry.ts";

/** An event that carries an envelope, or the answer to a check of one. */
export type EnvelopeEvent = Extract<ReceiverEvent, { type: "offer" | "key-set" | "verified" }>;

/** Result of an examined envelope. */
export type IntakeResult =
  | Extract<Admission, { kind: "admitted" | "early" | "malformed" | "refused" }>
  | { readonly kind: "dropped"; readonly reason: DropReason }
  /** The device trusts the next key set. */
  | { readonly kind: "key-set-taken" }
  | { readonly kind: "key-set-refused"; readonly error: OtaError };

/** Result of {@link EnvelopeIntake.handle}. Carry out `actions` first. */
export interface IntakeStep {
  readonly actions: readonly ReceiverAction[];
  /** `undefined` while a signature is being verified, and for an event without effect. */
  readonly result?: IntakeResult | undefined;
}

/**
 * Takes in offers and key sets, one message at a time: has their signatures verified, and asks the broker again for
 * messages that it had to drop.
 *
 * Sans-IO: answer each `verify` action by one `verified` event. An envelope that arrives before that is dropped as `busy`.
 */
export class EnvelopeIntake {
  readonly #gate: OfferGate;
  readonly #retry = new RetainedRetry();
  readonly #topics: Topics;
  readonly #device: string;

  /** @throws {@link OtaError} as {@link OfferGate}. */
  constructor(options: OfferGateOptions, topics: Topics) {
    this.#gate = new OfferGate(options);
    this.#topics = topics;
    this.#device = options.device;
  }

  /** The trusted key set; `undefined` on a device without a key set. */
  get keySet(): Immutable<KeySet> | undefined {
    return this.#gate.keySet;
  }

  /** `true` while a signature is being verified. */
  get isExamining(): boolean {
    return this.#gate.isExamining;
  }

  /**
   * Restores trust after a reset, see {@link OfferGate.resume}.
   *
   * @returns The action that writes the key set now in use to flash, if it must be written.
   */
  resume(kept: Immutable<KeySet> | undefined): ReceiverAction[] {
    return this.#gate.resume(kept) ? this.#storeKeySet() : [];
  }

  /**
   * Subscribes to the next key set and to offers; nothing while the device is not connected. The broker repeats what it
   * retains each time. The key set comes first, because it decides which offers count.
   */
  subscribe({ now, isConnected }: ReceiverContext): ReceiverAction[] {
    if (!isConnected) return [];
    this.#retry.asked(now);
    const { offer } = this.#topics;
    const topics = [...this.#nextKeySetTopic(), offer, this.#topics.deviceOffer(this.#device)];
    return topics.map((topic) => ({ type: "subscribe", topic }));
  }

  /** Takes an envelope, or the answer to the last `verify` action. */
  handle(event: EnvelopeEvent, record: ReceiverRecord, context: ReceiverContext): IntakeStep {
    const { now } = event;
    const formerTopic = this.#nextKeySetTopic();
    const step = this.#handle(event, record, now);
    if (step.result?.kind !== "key-set-taken") return step;
    const left = context.isConnected ? formerTopic : [];
    return {
      ...step,
      actions: [
        ...step.actions,
        ...this.#storeKeySet(),
        ...left.map((topic): ReceiverAction => ({ type: "unsubscribe", topic })),
        ...this.subscribe(context),
      ],
    };
  }

  #handle(event: EnvelopeEvent, record: ReceiverRecord, now: number): IntakeStep {
    if (event.type === "verified") return this.#onVerified(event.valid, record, now);
    const { payload, retained } = event;
    if (payload.length === 0) return { actions: [] }; // cleared from the broker: nothing new
    if (this.isExamining) return this.postpone("busy", now);
    if (event.type === "offer") return this.#onAdmission(this.#gate.admit(payload, retained, record, now), now);
    return this.#onKeySetVerdict(this.#gate.takeKeySet(payload, retained, now), now);
  }

  /** Drops a message that can't be examined now, and asks the broker later for what it retains. */
  postpone(reason: "busy" | "too-many", now: number): IntakeStep {
    return {
      actions: this.#retry.postpone(now, this.#gate.retainedReadyAt(now)),
      result: { kind: "dropped", reason },
    };
  }

  /**
   * The timer `verify` fired.
   *
   * @returns The timer to set again, or the subscriptions.
   */
  timerFired(context: ReceiverContext): ReceiverAction[] {
    const { now } = context;
    const again = this.#retry.timerFired(now, this.#gate.retainedReadyAt(now));
    return again === undefined ? this.subscribe(context) : [again];
  }

  /** Returns the topic of the only key set that the device could accept, if any. */
  #nextKeySetTopic(): readonly string[] {
    const epoch = this.#gate.nextEpoch;
    return epoch === undefined ? [] : [this.#topics.keys(epoch)];
  }

  #storeKeySet(): ReceiverAction[] {
    const { keySet } = this.#gate;
    return keySet === undefined ? [] : [{ type: "store-key-set", keySet }];
  }

  #onVerified(isValid: boolean, record: ReceiverRecord, now: number): IntakeStep {
    const admission = this.#gate.answerOffer(isValid, record, now);
    if (admission !== undefined) return this.#onAdmission(admission, now);
    const verdict = this.#gate.answerKeySet(isValid, now);
    return verdict === undefined ? { actions: [] } : this.#onKeySetVerdict(verdict, now);
  }

  #onAdmission(admission: Admission, now: number): IntakeStep {
    if (admission.kind === "check") return { actions: [verifyActionOf(admission)] };
    if (admission.kind === "postponed") return this.postpone("too-many", now);
    return { actions: [], result: admission };
  }

  #onKeySetVerdict(verdict: TrustVerdict | undefined, now: number): IntakeStep {
    switch (verdict?.kind) {
      case undefined:
        return { actions: [], result: { kind: "dropped", reason: "not-for-us" } };
      case "check":
        return { actions: [verifyActionOf(verdict)] };
      case "postponed":
        return this.postpone("too-many", now);
      case "refused":
        return { actions: [], result: { kind: "key-set-refused", error: verdict.error } };
      case "verified":
        return { actions: [], result: { kind: "key-set-taken" } };
    }
  }
}

function verifyActionOf({ check }: Extract<TrustVerdict, { kind: "check" }>): ReceiverAction {
  const { key, kind, payload, signature } = check;
  return { type: "verify", algorithm: key.alg, spki: key.spki, kind, payload, signature };
}
