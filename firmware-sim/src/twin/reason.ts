import type { OtaErrorCode } from "@tinybms/ota-core";

/** Reason for a verdict: an error code and a sentence. */
export interface TwinReason {
  readonly code: OtaErrorCode;
  readonly message: string;
}
