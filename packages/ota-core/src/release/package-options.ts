import type { Signer } from "../signing/sign-envelope.ts";
import type { ImageSummary } from "./read-image.ts";

/** Options of `packageRelease`. */
export interface PackageOptions {
  /** Path of the root manifest. @defaultValue `ota/manifest.json` */
  readonly manifest?: string;
  /** Path of the app image. */
  readonly binary: string;
  /** Version of the release. @defaultValue The version in the image's app descriptor */
  readonly version?: string;
  /** `name` of the artifact. @defaultValue `product.name` of the manifest, else `firmware` */
  readonly project?: string;
  /** Folder in which to create `<version>/`. @defaultValue `versions` next to the root manifest */
  readonly output?: string;
  /** File name of the copy. @defaultValue `<project>-<version>.bin` */
  readonly artifactName?: string;
  /** Label of the entry in the root manifest. @defaultValue The existing label, if any */
  readonly label?: string;
  /** Whether to add the version to the root manifest or update its entry. @defaultValue `false` */
  readonly updateManifest?: boolean;
  /**
   * Whether to replace a release of this version with other bytes. Devices may already run it. @defaultValue `false`
   */
  readonly force?: boolean;
  /** Whether to check everything and write nothing. @defaultValue `false` */
  readonly dryRun?: boolean;
  /** Signers of `release.json` next to the version manifest. @defaultValue No signers; there is no `release.json`. */
  readonly signers?: readonly Signer[];
  /** Clock for `created_at`. @defaultValue The system's time */
  readonly now?: () => Date;
  /** Aborts between two steps and removes unfinished files. */
  readonly signal?: AbortSignal;
  /** Maximum time to wait for another build of the same release line, in milliseconds. @defaultValue 30 000 */
  readonly lockTimeoutMs?: number;
  /** Called once if there is another build to wait for, with a description of it. */
  readonly onWait?: (owner: string) => void;
}

/** One file of the release. */
export interface PackagedArtifact {
  readonly name: string;
  readonly filename: string;
  readonly path: string;
  /** Size in bytes. */
  readonly size: number;
  readonly sha256: string;
  readonly protocols: readonly string[];
  /** Summary of the image; `null` for a file that is not an app image. */
  readonly image: ImageSummary | null;
}

/** A change of one file. */
export interface PackageChange {
  readonly path: string;
  /** `edit` changes a part of a user's file; `remove` removes a copy that `--force` replaced. */
  readonly action: "create" | "replace" | "edit" | "remove";
}

/** Result of `packageRelease`. A dry run returns what it would do. */
export interface PackageResult {
  readonly version: string;
  readonly dryRun: boolean;
  /** The root manifest. */
  readonly manifest: string;
  readonly versionManifest: string;
  /** Whether the root manifest was changed. `false` in a dry run and if it had the same entry already. */
  readonly manifestUpdated: boolean;
  readonly artifacts: readonly PackagedArtifact[];
  /** Changes of files in their order. Empty if the same bytes are already released. */
  readonly changes: readonly PackageChange[];
  readonly warnings: readonly string[];
}
