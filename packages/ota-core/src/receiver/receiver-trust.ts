import { isOtaError } from "../errors.ts";
import { parseEnvelope } from "../messages/envelope.ts";
import { MESSAGE_SIZE_MAX } from "../messages/topics.ts";
import { keySetChecks } from "../signing/key-set-step.ts";
import type { SignatureAlgorithm } from "../signing/public-key.ts";
import type { SignatureChecks } from "../signing/signature-check.ts";
import { type TrustedKeys, withAlgorithms } from "../signing/trusted-keys.ts";
import { envelopeChecks } from "../signing/verify-envelope.ts";
import { EnvelopeJudge, type Verdict, type VerificationLimits } from "./envelope-judge.ts";
import type { ReceivedOffer } from "./received-offer.ts";

/** Result of judging a message: an offer or a key set. */
export type TrustVerdict = Verdict<unknown>;

/**
 * Limits for each kind of message. Each has a budget of its own: a flood of offers can't block the key set that revokes
 * the attacker, and live messages can't block what the broker repeats on request, which is one message a topic.
 */
const OFFER_LIMITS: VerificationLimits = { retained: 16, live: 8 };
const KEY_SET_LIMITS: VerificationLimits = { retained: 8, live: 8 };

/** The keys that a device trusts, and the work it may spend on finding out whether they signed a message. */
export class ReceiverTrust {
  readonly #offers = new EnvelopeJudge<void>(OFFER_LIMITS);
  readonly #keySets = new EnvelopeJudge<TrustedKeys>(KEY_SET_LIMITS);
  readonly #algorithms: readonly SignatureAlgorithm[];
  #keys: TrustedKeys;

  /**
   * @param algorithms - Algorithms that the device can verify.
   * @throws {@link OtaError} `signing/unsupported-algorithm` if it can't verify what a role of the key set signs.
   */
  constructor(keys: TrustedKeys, algorithms: readonly SignatureAlgorithm[]) {
    this.#algorithms = algorithms;
    this.#keys = withAlgorithms(keys, algorithms);
  }

  get keys(): TrustedKeys {
    return this.#keys;
  }

  /** `true` while a signature check waits for its answer. */
  get isExamining(): boolean {
    return this.#offers.isExamining || this.#keySets.isExamining;
  }

  /** Returns when everything that the broker retains can be verified: `now`, or when the budgets for it are back. */
  retainedReadyAt(now: number): number {
    return Math.max(this.#offers.retainedReadyAt(now), this.#keySets.retainedReadyAt(now));
  }

  /** Begins to verify that offer keys signed an offer, and then that release keys signed its release. */
  judgeOffer(received: ReceivedOffer, isRetained: boolean, now: number): TrustVerdict {
    const { message, envelope, offer } = received;
    const count = envelope.signatures.length + (offer.release?.signatures.length ?? 0);
    return this.#offers.judge(message, isRetained, count, now, offerChecks(received, this.#keys));
  }

  /** Continues with the offer that is being verified; `undefined` if there is no such offer. */
  answerOffer(isValid: boolean, now: number): TrustVerdict | undefined {
    return this.#offers.answer(isValid, now);
  }

  /** Begins to verify the next key set. If the verdict is `verified`, {@link ReceiverTrust.keys} are its own. */
  judgeKeySet(message: Uint8Array, isRetained: boolean, now: number): TrustVerdict {
    const checks = keySetChecks(this.#keys, message, this.#algorithms);
    return this.#taken(this.#keySets.judge(message, isRetained, 2 * signatureCount(message), now, checks));
  }

  /** Continues with the key set that is being verified; `undefined` if there is no such key set. */
  answerKeySet(isValid: boolean, now: number): TrustVerdict | undefined {
    const verdict = this.#keySets.answer(isValid, now);
    return verdict === undefined ? undefined : this.#taken(verdict);
  }

  #taken(verdict: Verdict<TrustedKeys>): TrustVerdict {
    if (verdict.kind !== "verified") return verdict;
    this.#keys = verdict.result;
    // A set that was too early may be next now. Verdicts on offers stay, because offers are only verified in their own
    // epoch.
    this.#keySets.forget();
    return verdict;
  }
}

function* offerChecks({ envelope, offer }: ReceivedOffer, keys: TrustedKeys): SignatureChecks<void> {
  yield* envelopeChecks(envelope, "offer", keys);
  if (offer.release !== null) yield* envelopeChecks(offer.release, "release", keys);
}

/** Returns how many signatures a key set envelope has; 0 for a message that is not an envelope, which costs no check. */
function signatureCount(message: Uint8Array): number {
  try {
    return parseEnvelope(message, MESSAGE_SIZE_MAX.keys).signatures.length;
  } catch (error) {
    if (isOtaError(error)) return 0;
    throw error;
  }
}
