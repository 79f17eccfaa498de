import type { OfferSigningOptions } from "../../signing/offer-signing.ts";

/** Options of a deploy, named as `tinybms-ota deploy` names them. */
export interface DeployOptions extends OfferSigningOptions {
  readonly version: string;
  /** The root manifest. */
  readonly manifest: string;
  readonly transport?: readonly string[] | undefined;
  readonly device?: readonly string[] | undefined;
  readonly deviceFile?: string | undefined;
  readonly expect?: number | undefined;
  readonly wait: "confirmed" | "downloaded" | "none";
  /** Seconds. */
  readonly timeout: number;
  readonly mode?: "chunked" | "blob" | undefined;
  readonly broker?: string | undefined;
  /** Ports of boards at a cable. */
  readonly port?: readonly string[] | undefined;
  readonly allPorts?: boolean | undefined;
  /** Send credentials unencrypted, and believe servers whose certificate is not checked. */
  readonly allowInsecure?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
}
