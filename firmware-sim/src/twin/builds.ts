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

/** One way in which board and firmware may have been built, where the dump does not say which. */
export interface Build extends Pick<ScenarioOptions, "appBuild" | "signatureScheme"> {
  readonly bootloaderOptions: BootloaderOptions;
  /** What is assumed, to stand after "if": empty where there is nothing to choose. */
  readonly name: string;
  readonly efuse: EfuseFields;
}

/** All that is known of a board. */
export interface BoardFacts {
  readonly board: DumpedBoard;
  readonly running: RunningApp;
  readonly efuses: KnownEfuses;
  readonly evidence: BootloaderEvidence;
  readonly revisions: KnownRevisions;
  readonly releases: BoardReleases;
}

/** Every build that fits what is known. A verdict must hold for all of them. */
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
 * The releases that app and bootloader may be like. Of bootloaders only those with anti-rollback differ, where the first
 * segment of an app is long.
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
      const appName = apps.length > 1 ? `the app is of ESP-IDF ${ofApp.name}` : "";
      const bootloaderName = bootloaders.length > 1 ? `the bootloader is of ESP-IDF ${ofBootloader.name}` : "";
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
  /** Digests of trusted keys that are not known from the eFuses. */
  readonly digests: readonly Uint8Array[] | undefined;
}

/** Whether signatures are asked for: by secure boot, or perhaps by the app that runs, which is signed without it. */
function signingsOf({ board, running, efuses, evidence }: BoardFacts): readonly Signing[] {
  const none: Signing = { name: "the app asks for no signature", scheme: undefined, digests: undefined };
  const ofBootloader = board.inspection.bootloader?.signature?.blocks ?? [];
  const blocks = ofBootloader.length > 0 ? ofBootloader : running.signatureBlocks;
  const scheme = blocks[0]?.scheme ?? (board.chip.name === "esp32c2" ? "ecdsa-p256" : "rsa-3072");
  if (evidence.secureBoot) {
    const digests = (efuses.secureBootDigests ?? []).length === 0 ? digestsOf(blocks, board) : undefined;
    return [{ name: "", scheme, digests }];
  }
  if (running.signatureBlocks.length === 0) return [none];
  return [{ name: "the app asks for signatures, as its own suggests", scheme, digests: undefined }, none];
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
  // Where every app is of version 0 it would make no difference to which may run.
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
  // A confirmed app has its own version burnt: the highest that it can be, since the app runs.
  const burnt = antiRollback ? (running.descriptor?.secureVersion ?? 0) : 0;
  return {
    secureVersion: burnt,
    chipRevision: revisions.chip.min,
    blockRevision: revisions.block.min,
    ...(evidence.secureBoot ? { secureBoot: true } : {}),
    ...simulated(efuses),
    ...(digests === undefined ? {} : { secureBootDigests: digests }),
  };
}
