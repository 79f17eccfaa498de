import { toHex } from "../bytes.ts";
import { isOtaError, type OtaError } from "../errors.ts";
import { parseEnvelope } from "../messages/envelope.ts";
import { MESSAGE_SIZE_MAX } from "../messages/topics.ts";
import { sha256 } from "../sha256.ts";
import { advanceKeySet } from "../signing/key-set-step.ts";
import type { SignatureVerifier } from "../signing/signature-verifier.ts";
import type { TrustedKeys } from "../signing/trusted-keys.ts";
import { verifyEnvelope } from "../signing/verify-envelope.ts";
import { PerMinute } from "./per-minute.ts";
import type { ReceivedOffer } from "./received-offer.ts";

/** Result of looking at an envelope's signatures. */
export type TrustVerdict =
  | { readonly kind: "verified" }
  | { readonly kind: "refused"; readonly error: OtaError }
  /** Too many signatures were verified within a minute: this message has to come again. */
  | { readonly kind: "postponed" };

/** Signature verifications within a minute, for messages that the broker retained and for messages that came live. */
interface VerificationLimits {
  readonly retained: number;
  readonly live: number;
}

/**
 * Limits for each kind of message. Each has a budget of its own: a flood of offers can't block the key set that revokes
 * the attacker, and live messages can't block what the broker repeats on request, which is one message a topic.
 */
const OFFER_LIMITS: VerificationLimits = { retained: 16, live: 8 };
const KEY_SET_LIMITS: VerificationLimits = { retained: 8, live: 8 };

/**
 * Verifications that one message may cost: 4 signatures of an offer and 4 of the release in it, or 4 of a key set under
 * the root keys of two epochs.
 */
const MESSAGE_VERIFICATIONS_MAX = 8;

/** Verdicts that are remembered of each kind, retained and live: a broker repeats what it retains at each connect. */
const VERDICTS_MAX = 4;

/** The keys that a device trusts, and what it may spend on finding out whether something was signed with them. */
export class ReceiverTrust {
  readonly #offers: Judging;
  readonly #keySets: Judging;
  #keys: TrustedKeys;

  constructor(keys: TrustedKeys, verify: SignatureVerifier) {
    this.#keys = keys;
    this.#offers = new Judging(OFFER_LIMITS, verify);
    this.#keySets = new Judging(KEY_SET_LIMITS, verify);
  }

  get keys(): TrustedKeys {
    return this.#keys;
  }

  /** Returns when everything that the broker retains can be verified: `now`, or when the budgets for it are back. */
  retainedReadyAt(now: number): number {
    return Math.max(this.#offers.retainedReadyAt(now), this.#keySets.retainedReadyAt(now));
  }

  /** Verifies that an offer is signed by offer keys, and the release in it by release keys. */
  judgeOffer({ message, envelope, offer }: ReceivedOffer, isRetained: boolean, now: number): TrustVerdict {
    const count = envelope.signatures.length + (offer.release?.signatures.length ?? 0);
    return this.#offers.judge(message, isRetained, count, now, (verify) => {
      verifyEnvelope(envelope, "offer", this.#keys, verify);
      if (offer.release !== null) verifyEnvelope(offer.release, "release", this.#keys, verify);
    });
  }

  /** Takes a step to the next key set, if `message` is it: {@link ReceiverTrust.keys} are its own then. */
  takeKeySet(message: Uint8Array, isRetained: boolean, now: number): TrustVerdict {
    const verdict = this.#keySets.judge(message, isRetained, 2 * signatureCount(message), now, (verify) => {
      this.#keys = advanceKeySet(this.#keys, message, verify);
    });
    // A set that was too early may be next now. Offers are only judged in their own epoch: those verdicts stand.
    if (verdict.kind === "verified") this.#keySets.forget();
    return verdict;
  }
}

/** Budgets and verdicts of one kind of envelope. A message that is no key set may be an offer, so kinds share nothing. */
class Judging {
  readonly #verify: SignatureVerifier;
  readonly #limits: VerificationLimits;
  readonly #retained: PerMinute;
  readonly #live: PerMinute;
  /** By SHA-256 of the message, signatures included: a forgery around an honest payload says nothing of that payload. */
  readonly #retainedVerdicts: Map<string, TrustVerdict> = new Map();
  readonly #liveVerdicts: Map<string, TrustVerdict> = new Map();

  constructor(limits: VerificationLimits, verify: SignatureVerifier) {
    this.#verify = verify;
    this.#limits = limits;
    this.#retained = new PerMinute(limits.retained);
    this.#live = new PerMinute(limits.live);
  }

  retainedReadyAt(now: number): number {
    return this.#retained.availableAt(this.#limits.retained, now);
  }

  /**
   * Judges a message within the budget, or says how it was judged before.
   *
   * @param count - Verifications that the message costs if it is authentic.
   */
  judge(
    message: Uint8Array,
    isRetained: boolean,
    count: number,
    now: number,
    step: (verify: SignatureVerifier) => void,
  ): TrustVerdict {
    const name = toHex(sha256(message));
    const known = this.#retainedVerdicts.get(name) ?? this.#liveVerdicts.get(name);
    if (known !== undefined) return known;
    const budget = isRetained ? this.#retained : this.#live;
    const allowance = Math.min(budget.left(now), MESSAGE_VERIFICATIONS_MAX);
    if (count > allowance) return { kind: "postponed" };
    let left = allowance;
    let isCutShort = false;
    const verdict = attempt(() =>
      step((...question) => {
        if (left === 0) {
          isCutShort = true;
          return false;
        }
        left--;
        budget.spend(now);
        return this.#verify(...question);
      }),
    );
    if (isCutShort && allowance < MESSAGE_VERIFICATIONS_MAX) return { kind: "postponed" };
    remember(isRetained ? this.#retainedVerdicts : this.#liveVerdicts, name, verdict);
    return verdict;
  }

  forget(): void {
    this.#retainedVerdicts.clear();
    this.#liveVerdicts.clear();
  }
}

function remember(verdicts: Map<string, TrustVerdict>, name: string, verdict: TrustVerdict): void {
  verdicts.set(name, verdict);
  for (const oldest of verdicts.keys()) {
    if (verdicts.size <= VERDICTS_MAX) return;
    verdicts.delete(oldest);
  }
}

/** Returns how many signatures a key set envelope has; 0 for what is none, which costs no verification. */
function signatureCount(message: Uint8Array): number {
  try {
    return parseEnvelope(message, MESSAGE_SIZE_MAX.keys).signatures.length;
  } catch (error) {
    if (isOtaError(error)) return 0;
    throw error;
  }
}

function attempt(step: () => void): TrustVerdict {
  try {
    step();
    return { kind: "verified" };
  } catch (error) {
    if (isOtaError(error)) return { kind: "refused", error };
    throw error;
  }
}
