import { OtaError } from "../errors.ts";
import type { Immutable } from "../messages/json-message.ts";
import { compareSequence, type OfferDocument } from "../messages/offer.ts";
import { targetAdmits } from "../messages/target.ts";
import type { KeySet } from "../schemas/types.generated.ts";
import type { SignatureAlgorithm } from "../signing/public-key.ts";
import { type TrustedKeys, trustKeys } from "../signing/trusted-keys.ts";
import { type ReceivedOffer, readOffer } from "./received-offer.ts";
import type { DropReason } from "./receiver-events.ts";
import type { ReceiverRecord } from "./receiver-record.ts";
import { ReceiverTrust, type TrustVerdict } from "./receiver-trust.ts";

/** The highest epoch that a key set can have. */
const EPOCH_MAX = 2_147_483_647;

/** Options of an {@link OfferGate}. */
export interface OfferGateOptions {
  readonly device: string;
  readonly topicRoot: string;
  readonly product: string;
  readonly allowUnsigned: boolean;
  readonly keySet: TrustedKeys | undefined;
  /** Algorithms that the device can verify. */
  readonly algorithms: readonly SignatureAlgorithm[];
}

/** Result of {@link OfferGate.admit}. */
export type Admission =
  /** For this device, authentic, and not older than the accepted offer; `known`: it is the accepted one. */
  | { readonly kind: "admitted"; readonly received: ReceivedOffer; readonly known: boolean }
  | { readonly kind: "dropped"; readonly reason: DropReason }
  /** The bytes are no offer. */
  | { readonly kind: "malformed"; readonly error: OtaError }
  /** Its key set has not reached this device. The broker repeats it after that step. */
  | { readonly kind: "early"; readonly offer: OfferDocument; readonly error: OtaError }
  /** It changes nothing. Its sender may get an answer. */
  | {
      readonly kind: "refused";
      readonly reason: DropReason;
      readonly offer: OfferDocument;
      readonly error: OtaError;
      /** Its signatures were verified. */
      readonly isAuthentic: boolean;
    }
  | Extract<TrustVerdict, { kind: "check" | "postponed" }>;

/**
 * Decides which offers and key sets a device accepts. Checks run from cheapest to most expensive: form, topic and
 * target, epoch and sequence, signatures, and that a number is used for only one offer.
 *
 * It examines one message at a time. While a `check` waits for its answer, give it no other message.
 */
export class OfferGate {
  readonly #options: OfferGateOptions;
  #trust: ReceiverTrust | undefined;
  /** Flash holds a key set that this firmware can't use. Its demands are unknown, so no offer is accepted. */
  #isLocked = false;
  /** The offer whose signatures are being verified. */
  #examined: ReceivedOffer | undefined;

  /**
   * @throws {@link OtaError} `signing/key-set-product` for a set of another product.
   * @throws {@link OtaError} `signing/unsupported-algorithm` for a set that the device can't use.
   */
  constructor(options: OfferGateOptions) {
    this.#options = options;
    const { keySet, product, algorithms } = options;
    if (keySet === undefined) return;
    checkProduct(keySet.document.product, product);
    this.#trust = new ReceiverTrust(keySet, algorithms);
  }

  /** `true` while a signature check waits for its answer. */
  get isExamining(): boolean {
    return this.#trust?.isExamining ?? false;
  }

  /** The key set that is trusted; `undefined` where offers are taken, or refused, unverified. */
  get keySet(): Immutable<KeySet> | undefined {
    return this.#trust?.keys.document;
  }

  /** Epoch of the only key set that can be accepted next; `undefined` on a device without a key set. */
  get nextEpoch(): number | undefined {
    const epoch = this.keySet?.epoch;
    return epoch === undefined || epoch === EPOCH_MAX ? undefined : epoch + 1;
  }

  /**
   * Restores trust after a reset. Uses whichever key set has the later epoch: the stored one or the provisioned one (the
   * provisioned one on a tie).
   *
   * @param kept - Key set read from flash, if any.
   * @returns `true` if the key set now in use must be written to flash.
   */
  resume(kept: Immutable<KeySet> | undefined): boolean {
    const { product, algorithms } = this.#options;
    const current = this.keySet;
    if (kept === undefined || (kept.product !== product && current !== undefined)) return current !== undefined;
    if (current !== undefined && kept.epoch <= current.epoch) return kept.epoch < current.epoch;
    this.#trust = kept.product === product ? usableTrust(kept, algorithms) : undefined;
    this.#isLocked = this.#trust === undefined;
    return false;
  }

  /**
   * Checks an offer. Changes nothing except the cached verdicts.
   *
   * @param isRetained - Whether the broker sent it because of a subscription.
   */
  admit(message: Uint8Array, isRetained: boolean, record: ReceiverRecord, now: number): Admission {
    const received = readOffer(message);
    if (received instanceof OtaError) return { kind: "malformed", error: received };
    const { offer } = received;
    const { topicRoot, device } = this.#options;
    if (offer.topic_root !== topicRoot || !targetAdmits(offer.target, device)) {
      return { kind: "dropped", reason: "not-for-us" };
    }
    const order = compareSequence([offer.epoch, offer.sequence], record.accepted);
    const wrong = this.#refuseEpoch(offer);
    if (wrong !== undefined && offer.epoch > wrong.details.expected) return { kind: "early", offer, error: wrong };
    // A standing offer that the accepted one replaced is no attack. The broker repeats it at each connect.
    const isFormer = wrong !== undefined && offer.epoch < wrong.details.expected;
    if (isRetained && (order < 0 || (order === 0 && isFormer))) {
      return { kind: "dropped", reason: "stale-offer" };
    }
    const stale = wrong ?? (order < 0 ? staleOffer(offer, record) : undefined);
    if (stale !== undefined) return { kind: "refused", reason: "stale-offer", offer, error: stale, isAuthentic: false };
    return this.#admissionOf(received, this.#verdictOf(received, isRetained, now), record);
  }

  /** Continues with the offer that is being examined; `undefined` if there is no such offer. */
  answerOffer(isValid: boolean, record: ReceiverRecord, now: number): Admission | undefined {
    const received = this.#examined;
    const verdict = this.#trust?.answerOffer(isValid, now);
    if (received === undefined || verdict === undefined) return undefined;
    return this.#admissionOf(received, verdict, record);
  }

  /** Checks the next key set and, if it is verified, trusts it. Returns `undefined` on a device without a key set. */
  takeKeySet(message: Uint8Array, isRetained: boolean, now: number): TrustVerdict | undefined {
    return this.#trust?.judgeKeySet(message, isRetained, now);
  }

  /** Continues with the key set that is being examined; `undefined` if there is no such key set. */
  answerKeySet(isValid: boolean, now: number): TrustVerdict | undefined {
    return this.#trust?.answerKeySet(isValid, now);
  }

  /** Returns when everything that the broker retains can be verified: `now`, or when the budgets for it are back. */
  retainedReadyAt(now: number): number {
    return this.#trust?.retainedReadyAt(now) ?? now;
  }

  #admissionOf(received: ReceivedOffer, verdict: TrustVerdict, record: ReceiverRecord): Admission {
    this.#examined = verdict.kind === "check" ? received : undefined;
    if (verdict.kind === "check" || verdict.kind === "postponed") return verdict;
    const { offer } = received;
    if (verdict.kind === "refused") {
      return { kind: "refused", reason: "untrusted", offer, error: verdict.error, isAuthentic: false };
    }
    const known = compareSequence([offer.epoch, offer.sequence], record.accepted) === 0;
    if (known && received.payloadSha256 !== record.payloadSha256) {
      return { kind: "refused", reason: "stale-offer", offer, error: conflict(offer), isAuthentic: true };
    }
    return { kind: "admitted", received, known };
  }

  #verdictOf(received: ReceivedOffer, isRetained: boolean, now: number): TrustVerdict {
    if (this.#trust !== undefined) return this.#trust.judgeOffer(received, isRetained, now);
    if (this.#options.allowUnsigned && !this.#isLocked) return { kind: "verified", result: undefined };
    const message =
      "the offer can't be verified: this device has no key set and was not provisioned for unsigned offers";
    return { kind: "refused", error: new OtaError("offer/untrusted", message, {}) };
  }

  /** Offers count only under the current key set. One of a later epoch has to wait for its set. */
  #refuseEpoch({ epoch: found }: OfferDocument): OtaError<"offer/wrong-epoch"> | undefined {
    const expected = this.keySet?.epoch;
    if (expected === undefined || found === expected) return undefined;
    const why = found < expected ? "is over" : "has not reached this device";
    const message = `the offer is of epoch ${found}, whose key set ${why}; only offers of epoch ${expected} count`;
    return new OtaError("offer/wrong-epoch", message, { expected, found });
  }
}

/** @throws {@link OtaError} `signing/key-set-product`. */
function checkProduct(found: string, expected: string): void {
  if (found === expected) return;
  const message = `the key set is for ${JSON.stringify(found)}; this device is ${JSON.stringify(expected)}`;
  throw new OtaError("signing/key-set-product", message, { expected, found });
}

function usableTrust(
  document: Immutable<KeySet>,
  algorithms: readonly SignatureAlgorithm[],
): ReceiverTrust | undefined {
  try {
    return new ReceiverTrust(trustKeys(document), algorithms);
  } catch {
    return undefined; // stored by a later firmware, with types of keys that this one doesn't have
  }
}

function staleOffer({ epoch, sequence }: OfferDocument, { accepted }: ReceiverRecord): OtaError {
  const found = [epoch, sequence] as const;
  const message = `offer ${found.join("/")} is older than ${accepted.join("/")}, which this device has accepted`;
  return new OtaError("offer/stale", message, { accepted, found });
}

function conflict({ epoch, sequence }: OfferDocument): OtaError {
  const message = `offer ${epoch}/${sequence} is not the one accepted under that number before`;
  return new OtaError("offer/sequence-conflict", message, { sequence: [epoch, sequence] });
}
