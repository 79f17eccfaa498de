import type { OtaErrorCode } from "../errors.ts";

/**
 * Maximum number of starts of an image under one offer. The second one follows only a power cut that lost the record of
 * the first.
 */
export const ATTEMPTS_MAX = 2;

/** Error in a state report: one of the project's codes and a sentence. */
export interface ReportedError {
  readonly code: OtaErrorCode;
  readonly message: string;
}

const SENTENCES: Readonly<Record<string, string>> = {
  "delivery/self-test-failed": "the image did not pass its probation, and the previous one runs again",
  "delivery/self-test-unanswered": "the image's self-test had no result in time, and the previous one runs again",
  "delivery/broker-not-reached": "the image did not reach the broker in time, and the previous one runs again",
  "delivery/broker-refused": "the broker refused the image's connection, and the previous one runs again",
  "delivery/network-down": "the image had no network, and the previous one runs again",
  "delivery/attempts-exhausted": `the image was started ${ATTEMPTS_MAX} times without being confirmed`,
  "delivery/no-rollback": "the image did not pass its probation, and there is no previous one to return to",
  "delivery/image-mismatch": "the device started an image other than the release's",
  "offer/withdrawn": "the offer was withdrawn",
  "offer/wrong-epoch": "a new key set ended the epoch of the offer; only offers of the new epoch are valid",
};

/** Returns a reported error for a code that was stored across a reset without its message. */
export function describeError(code: string): ReportedError {
  const sentence = SENTENCES[code];
  return { code: code as OtaErrorCode, message: sentence ?? "the device gave up the image before the last reset" };
}
