import type { OtaErrorCode } from "@tinybms/ota-core";

/** Why a verdict is not a plain yes: one of the project's codes, and a sentence. */
export interface TwinReason {
  readonly code: OtaErrorCode;
  readonly message: string;
}
