import type { MaintenanceWindow } from "../../offer-payload.ts";
import type { RolloutOptions } from "../../rollout/rollout-options.ts";
import type { OfferSigningOptions } from "../../signing/offer-signing.ts";

/** Options of a deploy, with the names of `tinybms-ota deploy`. */
export interface DeployOptions extends OfferSigningOptions, RolloutOptions {
  readonly version: string;
  /** Path of the root manifest. */
  readonly manifest: string;
  readonly transport?: readonly string[] | undefined;
  readonly device?: readonly string[] | undefined;
  readonly deviceFile?: string | undefined;
  /** Tags of a device list: devices that have one of them get the release. */
  readonly tag?: readonly string[] | undefined;
  /** Path of the device list. @defaultValue `devices.csv` next to the root manifest */
  readonly devices?: string | undefined;
  /** Version of the release line: of the devices, only those that run it get the release. */
  readonly fromVersion?: string | undefined;
  readonly expect?: number | undefined;
  readonly wait: "confirmed" | "downloaded" | "none";
  /** Time limit of the delivery, in seconds. */
  readonly timeout: number;
  /** Answers for the offer that stands, instead of making one. */
  readonly join?: boolean | undefined;
  readonly mode?: "chunked" | "blob" | undefined;
  readonly broker?: string | undefined;
  /** Bytes of chunks per second, instead of the channel's; 0 means no limit. */
  readonly rate?: number | undefined;
  /** When devices may restart into the image: a time in UTC, and a window of every day. */
  readonly installAfter?: string | undefined;
  readonly between?: MaintenanceWindow | undefined;
  /**
   * What devices do that do not know the time.
   *
   * @defaultValue `reject`
   */
  readonly clockless?: "reject" | "install" | undefined;
  /** Time over which devices spread their restarts, in seconds. */
  readonly restartSpread?: number | undefined;
  /** Longest probation of an image that has network and does not reach the broker, in seconds. */
  readonly probationMax?: number | undefined;
  /** Serial ports of boards. */
  readonly port?: readonly string[] | undefined;
  readonly allPorts?: boolean | undefined;
  /** Allows channels that send credentials unencrypted or skip the check of a server's certificate. */
  readonly allowInsecure?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
}
