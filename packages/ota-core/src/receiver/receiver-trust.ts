import { toHex } from "../bytes.ts";
import { isOtaError, type OtaError } from "../errors.ts";
import { sha256 } from "../sha256.ts";
import { advanceKeySet } from "../signing/key-set-step.ts";
import type { SignatureVerifier } from "../signing/signature-verifier.ts";
import type { TrustedKeys } from "../signing/trusted-keys.ts";
import { ENVELOPE_VERIFICATIONS_MAX, verifyEnvelope } from "../signing/verify-envelope.ts";
import { PerMinute } from "./per-minute.ts";
import type { ReceivedOffer } from "./received-offer.ts";

/** What looking at an envelope's signatures came to. */
export type Verdict =
  | { readonly kind: "verified" }
  | { readonly kind: "refused"; readonly error: OtaError }
  /** Too many were looked at within a minute: this one has to come again, not before `until`. */
  | { readonly kind: "postponed"; readonly until: number };

/**
 * Verifications within a minute for offers, and as many again for key sets: 64 in all. Apart, so that whoever floods the one
 * keeps nobody from the other: a stolen offer key doesn't hold back the set that revokes it.
 */
const VERIFICATIONS_PER_MINUTE = 32;

/** An offer with the release in it, or a key set under the root keys of two epochs. */
const VERIFICATIONS_PER_MESSAGE_MAX: number = 2 * ENVELOPE_VERIFICATIONS_MAX;

/** Verdicts that are remembered, the last ones: a broker repeats what it retains at each connect. */
const VERDICTS_MAX = 4;

/** The keys that a device trusts, and what it may spend on finding out whether something was signed with them. */
export class ReceiverTrust {
  readonly #verify: SignatureVerifier;
  readonly #offers: Judging = new Judging();
  readonly #keySets: Judging = new Judging();
  #keys: TrustedKeys;

  constructor(keys: TrustedKeys, verify: SignatureVerifier) {
    this.#keys = keys;
    this.#verify = verify;
  }

  get keys(): TrustedKeys {
    return this.#keys;
  }

  /** Whether an offer is signed by offer keys, and the release in it by release keys. */
  judgeOffer({ message, envelope, offer }: ReceivedOffer, now: number): Verdict {
    return this.#offers.judge(message, now, this.#verify, (verify) => {
      verifyEnvelope(envelope, "offer", this.#keys, verify);
      if (offer.release !== null) verifyEnvelope(offer.release, "release", this.#keys, verify);
    });
  }

  /** Takes a step to the next key set, if this is it: {@link ReceiverTrust.keys} are its own then. */
  takeKeySet(message: Uint8Array, now: number): Verdict {
    const verdict = this.#keySets.judge(message, now, this.#verify, (verify) => {
      this.#keys = advanceKeySet(this.#keys, message, verify);
    });
    // A set that was too early may be next now. Offers are only judged in their own epoch: those verdicts stand.
    if (verdict.kind === "verified") this.#keySets.forget();
    return verdict;
  }
}

/**
 * What is spent on one kind of envelope, and what was found. Each kind has its own: a message that is no key set may well be
 * an offer, whatever topic it came on first.
 */
class Judging {
  readonly #budget: PerMinute = new PerMinute(VERIFICATIONS_PER_MINUTE);
  /** By SHA-256 of the message, signatures included: a forgery around an honest payload says nothing of that payload. */
  readonly #verdicts: Map<string, Verdict> = new Map();

  judge(
    message: Uint8Array,
    now: number,
    verify: SignatureVerifier,
    step: (verify: SignatureVerifier) => void,
  ): Verdict {
    const name = toHex(sha256(message));
    const known = this.#verdicts.get(name);
    if (known !== undefined) return known;
    const until = this.#budget.availableAt(VERIFICATIONS_PER_MESSAGE_MAX, now);
    if (until > now) return { kind: "postponed", until };
    const verdict = attempt(() =>
      step((...question) => {
        this.#budget.spend(now);
        return verify(...question);
      }),
    );
    this.#remember(name, verdict);
    return verdict;
  }

  forget(): void {
    this.#verdicts.clear();
  }

  #remember(name: string, verdict: Verdict): void {
    this.#verdicts.set(name, verdict);
    for (const oldest of this.#verdicts.keys()) {
      if (this.#verdicts.size <= VERDICTS_MAX) return;
      this.#verdicts.delete(oldest);
    }
  }
}

function attempt(step: () => void): Verdict {
  try {
    step();
    return { kind: "verified" };
  } catch (error) {
    if (isOtaError(error)) return { kind: "refused", error };
    throw error;
  }
}
