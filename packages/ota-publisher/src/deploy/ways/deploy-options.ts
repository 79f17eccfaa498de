import type { OfferSigningOptions } from "../../signing/offer-signing.ts";

/** Options of a deploy, named as `tinybms-ota deploy` names them. */
export interface DeployOptions extends OfferSigningOptions {
  readonly version: string;
  /** The root manifest. */
  readonly manifest: string;
  readonly transport?: readonly string[];
  readonly device?: readonly string[];
  readonly deviceFile?: string;
  readonly expect?: number;
  readonly wait: "confirmed" | "downloaded" | "none";
  /** Seconds. */
  readonly timeout: number;
  readonly mode?: "chunked" | "blob";
  readonly broker?: string;
  /** Ports of boards at a cable. */
  readonly port?: readonly string[];
  readonly allPorts?: boolean;
  /** Send credentials unencrypted, and believe servers whose certificate is not checked. */
  readonly allowInsecure?: boolean;
  readonly dryRun?: boolean;
}
