import { OtaError } from "../errors.ts";
import type { Immutable } from "../messages/json-message.ts";
import { compareSequence, type OfferDocument } from "../messages/offer.ts";
import { targetAdmits } from "../messages/target.ts";
import type { KeySet } from "../schemas/types.generated.ts";
import type { SignatureVerifier } from "../signing/signature-verifier.ts";
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
  readonly verify: SignatureVerifier;
}

/** What becomes of an offer that arrived. */
export type Admission =
  /** For this device, authentic, and not older than what it has accepted; `known`: that very one. */
  | { readonly kind: "admitted"; readonly received: ReceivedOffer; readonly known: boolean }
  | { readonly kind: "dropped"; readonly reason: DropReason }
  /** Its key set has not reached this device. It comes again with that. */
  | { readonly kind: "early"; readonly offer: OfferDocument; readonly error: OtaError }
  /** Told to its sender, if at all. It changes nothing. */
  | {
      readonly kind: "refused";
      readonly reason: DropReason;
      readonly offer: OfferDocument;
      readonly error: OtaError;
      /** Its signatures were verified. */
      readonly isAuthentic: boolean;
    }
  | Extract<TrustVerdict, { kind: "postponed" }>;

/**
 * Lets through what a device may believe. In this order, the cheap before the dear: form, topic and target, epoch and
 * order, signatures, and that a number means one offer.
 */
export class OfferGate {
  readonly #options: OfferGateOptions;
  #trust: ReceiverTrust | undefined;
  /** There is a key set in flash that this firmware can't use: what it demands can't be known, so nothing is taken. */
  #isLocked = false;

  /** @throws OtaError `signing/key-set-product` for a set of another product. */
  constructor(options: OfferGateOptions) {
    this.#options = options;
    const { keySet, product, verify } = options;
    if (keySet === undefined) return;
    checkProduct(keySet.document.product, product);
    this.#trust = new ReceiverTrust(keySet, verify);
  }

  /** The key set that is trusted; `undefined` where offers are taken, or refused, unverified. */
  get keySet(): Immutable<KeySet> | undefined {
    return this.#trust?.keys.document;
  }

  /** Epoch of the only key set that can be accepted next; `undefined` where there is none. */
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
    const { product, verify } = this.#options;
    const current = this.keySet;
    if (kept === undefined || (kept.product !== product && current !== undefined)) return current !== undefined;
    if (current !== undefined && kept.epoch <= current.epoch) return kept.epoch < current.epoch;
    const keys = kept.product === product ? usableKeys(kept) : undefined;
    this.#trust = keys === undefined ? undefined : new ReceiverTrust(keys, verify);
    this.#isLocked = keys === undefined;
    return false;
  }

  /**
   * Judges an offer. Changes nothing but what is remembered of signatures.
   *
   * @param isRetained - Whether the broker sent it because of a subscription.
   */
  admit(message: Uint8Array, isRetained: boolean, record: ReceiverRecord, now: number): Admission {
    const received = readOffer(message);
    if (received === undefined) return { kind: "dropped", reason: "malformed" };
    const { offer } = received;
    const { topicRoot, device } = this.#options;
    if (offer.topic_root !== topicRoot || !targetAdmits(offer.target, device)) {
      return { kind: "dropped", reason: "not-for-us" };
    }
    const order = compareSequence([offer.epoch, offer.sequence], record.accepted);
    const wrong = this.#refuseEpoch(offer);
    if (wrong !== undefined && offer.epoch > wrong.details.expected) return { kind: "early", offer, error: wrong };
    const stale = wrong ?? (order < 0 ? staleOffer(offer, record) : undefined);
    if (stale !== undefined) return { kind: "refused", reason: "stale-offer", offer, error: stale, isAuthentic: false };
    const verdict = this.#verdictOf(received, isRetained, now);
    if (verdict.kind === "postponed") return verdict;
    if (verdict.kind === "refused") {
      return { kind: "refused", reason: "untrusted", offer, error: verdict.error, isAuthentic: false };
    }
    const known = order === 0;
    if (known && received.payloadSha256 !== record.payloadSha256) {
      return { kind: "refused", reason: "stale-offer", offer, error: conflict(offer), isAuthentic: true };
    }
    return { kind: "admitted", received, known };
  }

  /** Takes a step to the next key set; `undefined` on a device that has none. */
  takeKeySet(message: Uint8Array, isRetained: boolean, now: number): TrustVerdict | undefined {
    return this.#trust?.takeKeySet(message, isRetained, now);
  }

  /** Returns when everything that the broker retains can be verified: `now`, or when the budgets for it are back. */
  retainedReadyAt(now: number): number {
    return this.#trust?.retainedReadyAt(now) ?? now;
  }

  #verdictOf(received: ReceivedOffer, isRetained: boolean, now: number): TrustVerdict {
    if (this.#trust !== undefined) return this.#trust.judgeOffer(received, isRetained, now);
    if (this.#options.allowUnsigned && !this.#isLocked) return { kind: "verified" };
    const message =
      "the offer can't be verified: this device has no key set and was not provisioned for unsigned offers";
    return { kind: "refused", error: new OtaError("offer/untrusted", message, {}) };
  }

  /** Offers count only under the current key set: one of a former epoch is over, one of a later has to wait for its set. */
  #refuseEpoch({ epoch: found }: OfferDocument): OtaError<"offer/wrong-epoch"> | undefined {
    const expected = this.keySet?.epoch;
    if (expected === undefined || found === expected) return undefined;
    const why = found < expected ? "is over" : "has not reached this device";
    const message = `the offer is of epoch ${found}, whose key set ${why}; only offers of epoch ${expected} count`;
    return new OtaError("offer/wrong-epoch", message, { expected, found });
  }
}

/** @throws OtaError `signing/key-set-product`. */
function checkProduct(found: string, expected: string): void {
  if (found === expected) return;
  const message = `the key set is for ${JSON.stringify(found)}; this device is ${JSON.stringify(expected)}`;
  throw new OtaError("signing/key-set-product", message, { expected, found });
}

function usableKeys(document: Immutable<KeySet>): TrustedKeys | undefined {
  try {
    return trustKeys(document);
  } catch {
    return undefined; // kept by a later firmware, with kinds of keys that this one doesn't know
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
