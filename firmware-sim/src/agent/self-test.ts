import type { RunningImage } from "@tinybms/ota-core";

/** Result of the application's own check of a new image. `hang`: the check never ends. */
export type SelfTestOutcome = "pass" | "fail" | "hang";

/** Result of the self-test for certain images. */
export interface SelfTestRule {
  /** Version of the app descriptor. `undefined` matches any. */
  readonly version?: string | undefined;
  /** SHA-256 of the image, 64 hexadecimal digits. `undefined` matches any. */
  readonly sha256?: string | undefined;
  readonly outcome: SelfTestOutcome;
}

/** Returns the result of the first rule that matches the running image; `pass` if no rule matches. */
export function selfTestOutcome(rules: readonly SelfTestRule[], running: RunningImage): SelfTestOutcome {
  const rule = rules.find(
    ({ version, sha256 }) =>
      (version === undefined || version === running.version) && (sha256 === undefined || sha256 === running.sha256),
  );
  return rule?.outcome ?? "pass";
}
