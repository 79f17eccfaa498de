import { fromHex } from "@tinybms/ota-core";
import type { InspectedSignatureBlock, SignatureScheme } from "@tinybms/ota-core/esp";
import type { BootloaderOptions } from "../boot/boot-options.ts";
import type { EfuseFields } from "../boot/efuse.ts";
import { type IdfRelease, possibleReleases } from "../idf-release/idf-release.ts";
import type { ScenarioOptions } from "../power-cut/scenario.ts";
import type { BoardReleases } from "./board-releases.ts";
import type { BootloaderEvidence } from "./bootloader-evidence.ts";
import type { DumpedBoard } from "./dumped-board.ts";
import type { KnownEfuses } from "./efuse-file.ts";
import type { KnownRevisions } from "./revisions.ts";
import { type RunningApp, simulated } from "./running-app.ts";
import type { Release } from "./twin-release.ts";

/** A combination of build options that board and firmware may have. */
export interface Build extends Pick<ScenarioOptions, "appBuild" | "signatureScheme"> {
  readonly bootloaderOptions: BootloaderOptions;
  /** The assumption, worded to follow "if"; empty if there is only one build. */
  readonly name: string;
  readonly efuse: EfuseFields;
}

/** Everything known about a board. */
export interface BoardFacts {
  readonly board: DumpedBoard;
  readonly running: RunningApp;
  readonly efuses: KnownEfuses;
  readonly evidence: BootloaderEvidence;
  readonly revisions: KnownRevisions;
  readonly releases: BoardReleases;
}

/** Returns every build that fits the known facts. A verdict must hold for all of them. */
export function possibleBuilds(facts: BoardFacts, release: Release): readonly Build[] {
  const signings = signingsOf(facts);
  const rollbacks = rollbacksOf(facts, release);
  return signings.flatMap((signing) =>
    rollbacks.flatMap(({ options, name }) =>
      releasePairs(facts.releases, options).map((pair) => ({
        name: [signings.length > 1 ? signing.name : "", rollbacks.length > 1 ? name : "", pair.name]
          .filter(Boolean)
          .join(" and "),
        bootloaderOptions: { ...options, idf: pair.bootloader, tableOffset: facts.board.tableOffset },
        appBuild: { idf: pair.app, rollback: facts.releases.appRollback },
        signatureScheme: signing.scheme,
        efuse: efusesOf(facts, signing.digests, options.antiRollback === true),
      })),
    ),
  );
}

/**
 * Returns the pairs of releases that app and bootloader may have. Bootloader releases differ only with anti-rollback, for
 * apps with a long first segment.
 */
function releasePairs(
  { app, bootloader }: BoardReleases,
  { antiRollback = false }: BootloaderOptions,
): readonly { readonly name: string; readonly app: IdfRelease; readonly bootloader: IdfRelease }[] {
  const apps = possibleReleases(app);
  const kinds = new Set(bootloader.neighbors.map(({ behaviors }) => behaviors.verifiesLongFirstSegment));
  const bootloaders = antiRollback && kinds.size > 1 ? possibleReleases(bootloader) : [bootloader.release];
  return apps.flatMap((ofApp) =>
    bootloaders.map((ofBootloader) => {
      const appName = apps.length > 1 ? `the app was built with ESP-IDF ${ofApp.name}` : "";
      const bootloaderName = bootloaders.length > 1 ? `the bootloader was built with ESP-IDF ${ofBootloader.name}` : "";
      return {
        name: [appName, bootloaderName].filter(Boolean).join(" and "),
        app: ofApp,
        bootloader: ofBootloader,
      };
    }),
  );
}

interface Signing {
  readonly name: string;
  readonly scheme: SignatureScheme | undefined;
  /** Digests of trusted keys, if the eFuses do not give them. */
  readonly digests: readonly Uint8Array[] | undefined;
}

/**
 * Returns the possible signature requirements. Secure boot requires signatures. Without it, a running app that is signed
 * may or may not require them.
 */
function signingsOf({ board, running, efuses, evidence }: BoardFacts): readonly Signing[] {
  const none: Signing = { name: "the app requires no signature", scheme: undefined, digests: undefined };
  const ofBootloader = board.inspection.bootloader?.signature?.blocks ?? [];
  const blocks = ofBootloader.length > 0 ? ofBootloader : running.signatureBlocks;
  const scheme = blocks[0]?.scheme ?? (board.chip.name === "esp32c2" ? "ecdsa-p256" : "rsa-3072");
  if (evidence.secureBoot) {
    const digests = (efuses.secureBootDigests ?? []).length === 0 ? digestsOf(blocks, board) : undefined;
    return [{ name: "", scheme, digests }];
  }
  if (running.signatureBlocks.length === 0) return [none];
  return [{ name: "the app requires signatures, as its own signature suggests", scheme, digests: undefined }, none];
}

function digestsOf(blocks: readonly InspectedSignatureBlock[], { chip }: DumpedBoard): readonly Uint8Array[] {
  const digests = blocks.slice(0, chip.secureBootKeyDigests).map(({ keyDigest }) => fromHex(keyDigest));
  return digests.filter((digest) => digest !== undefined);
}

interface Rollback {
  readonly name: string;
  readonly options: BootloaderOptions;
}

function rollbacksOf({ board, evidence }: BoardFacts, { descriptor }: Release): readonly Rollback[] {
  const anti: Rollback = { name: "the bootloader performs anti-rollback", options: { antiRollback: true } };
  const on: Rollback = { name: "the bootloader performs rollback", options: { rollback: true } };
  const off: Rollback = { name: "the bootloader performs no rollback", options: { rollback: false } };
  if (evidence.antiRollback === true) return [anti];
  const plain = evidence.rollback === true ? [on] : [on, off];
  // If every app has secure version 0, anti-rollback allows all of them.
  const versions = board.inspection.partitions.map(({ contents }) =>
    contents?.type === "app-image" ? (contents.descriptor?.secureVersion ?? 0) : 0,
  );
  const isPossible = evidence.antiRollback === undefined && Math.max(descriptor.secureVersion, ...versions) > 0;
  return isPossible ? [...plain, anti] : plain;
}

function efusesOf(
  { efuses, evidence, revisions, running }: BoardFacts,
  digests: readonly Uint8Array[] | undefined,
  antiRollback: boolean,
): EfuseFields {
  // A confirmed app has burned its own secure version. It can't be higher, since the app runs.
  return {
    secureVersion: antiRollback ? (running.descriptor?.secureVersion ?? 0) : 0,
    chipRevision: revisions.chip.min,
    blockRevision: revisions.block.min,
    secureBoot: evidence.secureBoot,
    ...simulated(efuses),
    ...(digests === undefined ? {} : { secureBootDigests: digests }),
  };
}
