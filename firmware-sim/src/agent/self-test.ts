import type { RunningImage } from "@tinybms/ota-core";

/** How the application's own check of a new image ends. `hang`: it never does. */
export type SelfTestOutcome = "pass" | "fail" | "hang";

/** Outcome of the self-test of certain images. */
export interface SelfTestRule {
  /** Version of the app descriptor; any without it. */
  readonly version?: string | undefined;
  /** SHA-256 of the image, 64 hex digits; any without it. */
  readonly sha256?: string | undefined;
  readonly outcome: SelfTestOutcome;
}

/** Returns the outcome of the first rule that fits the running image; `pass` if no rule fits. */
export function selfTestOutcome(rules: readonly SelfTestRule[], running: RunningImage): SelfTestOutcome {
  const rule = rules.find(
    ({ version, sha256 }) =>
      (version === undefined || version === running.version) && (sha256 === undefined || sha256 === running.sha256),
  );
  return rule?.outcome ?? "pass";
}
