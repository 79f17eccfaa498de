import { sha256, toHex } from "@tinybms/ota-core";
import { type SignatureVerifier, verifySignature } from "@tinybms/ota-core/signing";

/**
 * A verifier that remembers its answers. A simulation asks the same in each of its worlds, of keys that were read anew from
 * flash at each boot: it is to pay for the answer once. For as many different questions as a test has, not for what comes
 * from outside.
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
