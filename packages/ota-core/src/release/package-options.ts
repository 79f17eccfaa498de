import type { Signer } from "../signing/sign-envelope.ts";
import type { ImageSummary } from "./read-image.ts";

/** What `tinybms-ota package` is told. */
export interface PackageOptions {
  /** The root manifest; `ota/manifest.json` without it. */
  readonly manifest?: string;
  /** The app image. */
  readonly binary: string;
  /** Without it the version of the image's app descriptor. */
  readonly version?: string;
  /** `name` of the artifact; without it `product.name` of the manifest, else `firmware`. */
  readonly project?: string;
  /** Folder that gets `<version>/`; without it `versions` beside the root manifest. */
  readonly output?: string;
  /** File name of the copy; without it `<project>-<version>.bin`. */
  readonly artifactName?: string;
  /** Label of the entry in the root manifest; without it an existing one is kept. */
  readonly label?: string;
  /** Add the version to the root manifest, or replace its entry. */
  readonly updateManifest?: boolean;
  /** Replace a release of this version that has other bytes. Devices may run it already. */
  readonly force?: boolean;
  /** Check everything and write nothing. */
  readonly dryRun?: boolean;
  /** Who signs the release: `release.json` beside the version manifest. Nobody without it. */
  readonly signers?: readonly Signer[];
  /** The time for `created_at`; the system's without it. */
  readonly now?: () => Date;
  /** Ends the work between two steps; what was begun is removed. */
  readonly signal?: AbortSignal;
  /** How long to wait for another build of the same release line, in milliseconds; 30 s without it. */
  readonly lockTimeoutMs?: number;
  /** Told once, when there is another build to wait for. */
  readonly onWait?: (owner: string) => void;
}

/** One file of the release. */
export interface PackagedArtifact {
  readonly name: string;
  readonly filename: string;
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
  readonly protocols: readonly string[];
  /** What the image says of itself; `null` for a file that is no app image. */
  readonly image: ImageSummary | null;
}

/** What happens to one file. */
export interface PackageChange {
  readonly path: string;
  /** `edit` changes what a file of the user's says in one place; `remove` is for a copy that `--force` replaced. */
  readonly action: "create" | "replace" | "edit" | "remove";
}

/** What was done, or in a dry run would be. */
export interface PackageResult {
  readonly version: string;
  readonly dryRun: boolean;
  /** The root manifest. */
  readonly manifest: string;
  readonly versionManifest: string;
  /** Whether the root manifest was changed: not in a dry run, and not when it said the same already. */
  readonly manifestUpdated: boolean;
  readonly artifacts: readonly PackagedArtifact[];
  /** What was done, or in a dry run would be, in this order. Empty when the same bytes were released before. */
  readonly changes: readonly PackageChange[];
  readonly warnings: readonly string[];
}
