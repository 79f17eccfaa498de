import { sha256, toHex } from "@tinybms/ota-core";
import { type SignatureVerifier, verifySignature } from "@tinybms/ota-core/signing";

/**
 * Creates a verifier that caches its answers. A simulation repeats the same checks in each world, with keys that devices
 * read from flash at each boot. The cache is unbounded: use it for tests only, not for outside input.
 */
export function createRememberingVerifier(): SignatureVerifier {
  const answers = new Map<string, boolean>();
  return (key, message, signature) => {
    const question = `${key.keyid} ${toHex(sha256(message))} ${toHex(signature)}`;
    const known = answers.get(question);
    if (known !== undefined) return known;
    const answer = verifySignature(key, message, signature);
    answers.set(question, answer);
    return answer;
  };
}
