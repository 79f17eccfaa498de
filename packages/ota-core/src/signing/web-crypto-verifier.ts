import type { webcrypto } from "node:crypto";
import { assert } from "../assert.ts";
import { toHex } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import { sha256 } from "../sha256.ts";
import { readIntegerPair } from "./der.ts";
import type { PublicKey } from "./public-key.ts";
import { hasSignatureForm, type SignatureVerifier } from "./signature-verifier.ts";

/** One signature to verify. */
interface Question {
  readonly key: PublicKey;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** Maximum number of cached results; one offer with its release needs at most 16. */
const VERDICTS_MAX = 64;

/** Maximum number of rounds per step: an offer, its release, and two key sets for a change of trust need fewer. */
const ROUNDS_MAX = 8;

const ALGORITHMS = {
  "ecdsa-p256-sha256": { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  "rsa-pkcs1v15-sha256": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  ed25519: { name: "Ed25519" },
} as const;

/**
 * Verifier for state machines in browsers: verifies with the asynchronous WebCrypto in advance, then answers
 * synchronously.
 *
 * An adapter first runs a side-effect-free copy of the step in {@link WebCryptoVerifier.prepare}. It then passes the
 * message to the state machine, which uses {@link WebCryptoVerifier.verify}.
 *
 * @example const verifier = new WebCryptoVerifier(); await verifier.prepare((verify) =>
 *   verifyEnvelope(parseEnvelope(message), "offer", keys, verify)); verifyEnvelope(parseEnvelope(message), "offer",
 *   keys, verifier.verify); // answers at once
 */
export class WebCryptoVerifier {
  readonly #verdicts = new Map<string, boolean>();

  /** Returns a result that {@link WebCryptoVerifier.prepare} has computed. Any other call is a bug of the caller. */
  readonly verify: SignatureVerifier = (key, message, signature) => {
    if (!hasSignatureForm(key, signature)) return false;
    const verdict = this.#verdicts.get(nameOf({ key, message, signature }));
    assert(verdict !== undefined, "prepare runs every step before the state machine does");
    return verdict;
  };

  /**
   * Repeats a step until every signature that it needs is verified.
   *
   * @param step - A step without side effects. Its result is ignored, and so is an `OtaError`, which the state
   *   machine's step will throw again.
   */
  async prepare(step: (verify: SignatureVerifier) => unknown): Promise<void> {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const open = new Map<string, Question>();
      attempt(() =>
        step((key, message, signature) => {
          if (!hasSignatureForm(key, signature)) return false;
          const name = nameOf({ key, message, signature });
          const verdict = this.#verdicts.get(name);
          if (verdict === undefined) open.set(name, { key, message, signature });
          return verdict ?? false;
        }),
      );
      if (open.size === 0) return;
      for (const [name, question] of open) this.#remember(name, await ask(question));
    }
    assert(false, "a deterministic step ends within its rounds");
  }

  #remember(name: string, verdict: boolean): void {
    this.#verdicts.set(name, verdict);
    for (const oldest of this.#verdicts.keys()) {
      if (this.#verdicts.size <= VERDICTS_MAX) return;
      this.#verdicts.delete(oldest);
    }
  }
}

function attempt(step: () => unknown): void {
  try {
    step();
  } catch (error) {
    if (!isOtaError(error)) throw error;
  }
}

function nameOf({ key, message, signature }: Question): string {
  return `${key.keyid} ${toHex(sha256(message))} ${toHex(signature)}`;
}

async function ask({ key, message, signature }: Question): Promise<boolean> {
  const { subtle } = globalThis.crypto;
  const algorithm = ALGORITHMS[key.alg];
  const plain = key.alg === "ecdsa-p256-sha256" ? rawEcdsa(signature) : signature;
  const imported: webcrypto.CryptoKey = await subtle.importKey("spki", own(key.spki), algorithm, false, ["verify"]);
  return subtle.verify(algorithm, imported, own(plain), own(message));
}

/** Returns r and s as 32 bytes each, as WebCrypto expects them. */
function rawEcdsa(signature: Uint8Array): Uint8Array {
  const raw = new Uint8Array(64);
  for (const [index, number] of (readIntegerPair(signature) ?? []).entries())
    raw.set(number, 32 * (index + 1) - number.length);
  return raw;
}

/** Copies bytes, because WebCrypto refuses views of shared memory. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes);
}
