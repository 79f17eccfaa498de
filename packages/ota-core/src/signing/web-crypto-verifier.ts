import type { webcrypto } from "node:crypto";
import { assert } from "../assert.ts";
import { toHex } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import { sha256 } from "../sha256.ts";
import { readIntegerPair } from "./der.ts";
import type { PublicKey } from "./public-key.ts";
import { hasSignatureForm, type SignatureVerifier } from "./signature-verifier.ts";

interface Question {
  readonly key: PublicKey;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** Verdicts that are kept; one offer with its release asks for at most 16. */
const VERDICTS_MAX = 64;

/** Rounds of questions in one step: an offer, the release in it, two key sets at a step between them. */
const ROUNDS_MAX = 8;

const ALGORITHMS = {
  "ecdsa-p256-sha256": { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  "rsa-pkcs1v15-sha256": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  ed25519: { name: "Ed25519" },
} as const;

/**
 * Verifies with WebCrypto, which only answers later, for steps that must not wait.
 *
 * An adapter lets {@link WebCryptoVerifier.prepare} take the step first, on nothing that it could change, and then hands
 * the message to the machine that was given {@link WebCryptoVerifier.verify}: by then every answer is at hand.
 *
 * @example
 * const verifier = new WebCryptoVerifier();
 * await verifier.prepare((verify) => verifyEnvelope(parseEnvelope(message), "offer", keys, verify));
 * verifyEnvelope(parseEnvelope(message), "offer", keys, verifier.verify); // answers at once
 */
export class WebCryptoVerifier {
  readonly #verdicts = new Map<string, boolean>();

  /** Answers what {@link WebCryptoVerifier.prepare} prepared. Anything else is a defect of the caller. */
  readonly verify: SignatureVerifier = (key, message, signature) => {
    if (!hasSignatureForm(key, signature)) return false;
    const verdict = this.#verdicts.get(nameOf({ key, message, signature }));
    assert(verdict !== undefined, "prepare takes every step before the machine does");
    return verdict;
  };

  /**
   * Takes a step again and again until every signature that it asks for is verified.
   *
   * @param step - Without effects. What it returns is passed over, an `OtaError` that it throws as well: the machine will
   *   come to the same end.
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
    assert(false, "a step that asks the same each time ends within its rounds");
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

/** r and s as 32 bytes each, as WebCrypto wants them. */
function rawEcdsa(signature: Uint8Array): Uint8Array {
  const raw = new Uint8Array(64);
  for (const [index, number] of (readIntegerPair(signature) ?? []).entries())
    raw.set(number, 32 * (index + 1) - number.length);
  return raw;
}

/** WebCrypto takes no view of shared memory. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes);
}
