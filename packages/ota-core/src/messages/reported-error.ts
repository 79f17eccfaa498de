import type { OtaErrorCode } from "../errors.ts";

/** Starts that an image gets under one offer: the second only where a power cut lost the record of the first. */
export const ATTEMPTS_MAX = 2;

/** The error of a report: one of the project's codes and a sentence. */
export interface ReportedError {
  readonly code: OtaErrorCode;
  readonly message: string;
}

const SENTENCES: Readonly<Record<string, string>> = {
  "delivery/self-test-failed": "the image did not pass its probation, and the one before it runs again",
  "delivery/attempts-exhausted": `the image was started ${ATTEMPTS_MAX} times without being confirmed`,
  "delivery/no-rollback": "the image did not pass its probation, and there is no other to go back to",
  "delivery/image-mismatch": "what started was not the image of the release",
  "offer/withdrawn": "the offer was withdrawn",
  "offer/wrong-epoch": "a new key set ended the epoch of the offer; only offers of the new one count",
};

/** What a code that outlived a reset says; the sentence that came with it is gone. */
export function describeError(code: string): ReportedError {
  const sentence = SENTENCES[code];
  return { code: code as OtaErrorCode, message: sentence ?? "the image was given up before the last reset" };
}
