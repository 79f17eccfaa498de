import { type IdfReleaseMatch, type ReportedRelease, reportRelease } from "../idf-release/idf-release.ts";
import type { SweepViolation } from "../power-cut/invariant.ts";
import type { SweepResult } from "../power-cut/sweep.ts";
import { createTally } from "../power-cut/sweep-tally.ts";
import type { ThreadOptions } from "../power-cut/sweep-threads.ts";
import { releaseAssumptions, releasesOf } from "./board-releases.ts";
import { bootloaderEvidence } from "./bootloader-evidence.ts";
import { type BoardFacts, type Build, possibleBuilds } from "./builds.ts";
import { type BoardDescription, describeBoard } from "./describe-board.ts";
import { type DumpedBoard, readBoard } from "./dumped-board.ts";
import { type KnownEfuses, parseEfuseFile } from "./efuse-file.ts";
import { EXAMINED_RUNS, type Examination, examineBuild } from "./examine-build.ts";
import { boardObstacles, efuseDoubts, releaseObstacles } from "./obstacles.ts";
import type { TwinReason } from "./reason.ts";
import { knownRevisions } from "./revisions.ts";
import { findRunningApp } from "./running-app.ts";
import { type Release, readRelease } from "./twin-release.ts";

/** A file that was read. */
export interface TwinFile<Content> {
  /** Its name, for messages. */
  readonly file: string;
  readonly content: Content;
}

/** A device and the release that it is to survive. */
export interface TwinInput {
  /** Its whole flash, as `esptool read-flash 0 ALL` wrote it. */
  readonly flash: TwinFile<Uint8Array>;
  /** The app image of the release. */
  readonly update: TwinFile<Uint8Array>;
  /** Version of the release; that of the image's app descriptor without it. */
  readonly version?: string | undefined;
  /** What is known of its eFuses, as JSON. */
  readonly efuse?: TwinFile<string> | undefined;
  /** The release of ESP-IDF that the apps are of; what the app that runs says without it. */
  readonly idf?: IdfReleaseMatch | undefined;
  /** That of the bootloader; what it says of itself without it, or the app's. */
  readonly bootloaderIdf?: IdfReleaseMatch | undefined;
  /** `CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE` of the apps; as in the bootloader without it. */
  readonly appRollback?: boolean | undefined;
  /** Power cuts in all. */
  readonly points: "all" | number;
  /** Decides all that is random. */
  readonly seed: number;
}

/** What came of a build. */
export interface TwinBuildResult {
  /** What is assumed; empty where nothing has to be. */
  readonly assuming: string;
  readonly verdict: "yes" | "no";
  readonly points: number;
  readonly outcomes: SweepResult["outcomes"];
  readonly ends: SweepResult["ends"];
}

/** Whether a device would survive a release. JSON-safe. */
export interface TwinResult {
  readonly verdict: "yes" | "no" | "cannot-tell";
  /** Why not, or why it can't be told. */
  readonly reasons: readonly TwinReason[];
  /** What the verdict rests on besides the dump. */
  readonly assumptions: readonly string[];
  readonly found: BoardDescription;
  /** The releases of ESP-IDF that were simulated, or the nearest of those. */
  readonly idf: { readonly app: ReportedRelease; readonly bootloader: ReportedRelease };
  readonly update: {
    readonly chipId: number;
    readonly version: string;
    readonly projectName: string;
    readonly secureVersion: number;
    readonly size: number;
    readonly sha256: string;
    readonly signed: boolean;
  };
  readonly builds: readonly TwinBuildResult[];
  /** Power cuts made. */
  readonly points: number;
  readonly violations: readonly (SweepViolation & { readonly assuming: string })[];
}

/**
 * Would this very device survive this release? Looks at what is on it, updates a simulated copy of it, cuts the power
 * everywhere, and does so for every way in which the board may have been built where the dump doesn't tell.
 *
 * @throws OtaError `image/…`, `simulation/flash-invalid` and `simulation/efuse-invalid` for files that are not what they
 *   should be; the signal's reason where it was aborted.
 */
export async function judgeUpdate(input: TwinInput, threads: ThreadOptions): Promise<TwinResult> {
  const board = readBoard(input.flash.file, input.flash.content);
  const release = readRelease(input.update.file, input.update.content, input.version);
  const efuses = input.efuse === undefined ? {} : parseEfuseFile(input.efuse.file, input.efuse.content, board.chip);
  const evidence = bootloaderEvidence(board, efuses);
  const running = findRunningApp(board, efuses);
  const isRunning = "label" in running;
  const found = describeBoard(board, evidence, isRunning ? running.label : undefined);
  const releases = releasesOf(board, isRunning ? running : undefined, input);
  const reported = {
    found,
    update: describeRelease(release),
    idf: { app: reportRelease(releases.app), bootloader: reportRelease(releases.bootloader) },
    assumptions: [...assumptionsOf(board, efuses, found), ...releaseAssumptions(releases, found)],
  };
  const doubts = [...board.doubts, ...efuseDoubts({ board, efuses })];
  const against = [...boardObstacles(board, release)];
  if (!isRunning) {
    doubts.push({ code: "image/not-bootable", message: `nothing starts from this dump: ${running.reason}` });
  } else if (against.length === 0 && board.doubts.length === 0) {
    const revisions = knownRevisions(board, running, efuses);
    const facts: BoardFacts = { board, running, efuses, evidence, revisions, releases };
    const obstacles = releaseObstacles(facts, release);
    against.push(...obstacles.against);
    doubts.push(...obstacles.doubts);
    if (against.length === 0 && doubts.length === 0) {
      const builds = possibleBuilds(facts, release);
      return { ...reported, ...combine(await examine(board, release, builds, input, threads)) };
    }
  }
  // A dump that can't be trusted says nothing against a release either.
  const isDoubtful = board.doubts.length > 0 || against.length === 0;
  const verdict = isDoubtful ? "cannot-tell" : "no";
  return {
    ...reported,
    verdict,
    reasons: isDoubtful ? [...doubts, ...against] : against,
    builds: [],
    points: 0,
    violations: [],
  };
}

async function examine(
  { contents }: DumpedBoard,
  release: Release,
  builds: readonly Build[],
  { points, seed }: TwinInput,
  threads: ThreadOptions,
): Promise<readonly Examination[]> {
  const examinations: Examination[] = [];
  let pointsDone = 0;
  for (const build of builds) {
    const onProgress = (part: number, made: number) => {
      threads.onProgress?.((examinations.length + part) / builds.length, pointsDone + made);
      if (part === 1) pointsDone += made;
    };
    const share = points === "all" ? undefined : Math.ceil(points / builds.length / EXAMINED_RUNS.length);
    const sweep: ThreadOptions = { ...threads, onProgress };
    examinations.push(await examineBuild(contents, release, build, { seed, points: share, sweep }));
  }
  return examinations;
}

/** A yes or no holds for every build that starts; where they differ, nothing can be told. */
function combine(
  examinations: readonly Examination[],
): Pick<TwinResult, "verdict" | "reasons" | "builds" | "points" | "violations"> {
  const possible = examinations.filter(({ verdict }) => verdict !== "starts-not");
  const verdicts = new Set(possible.map(({ verdict }) => verdict));
  const isYes = verdicts.size === 1 && verdicts.has("yes");
  const isNo = verdicts.size === 1 && verdicts.has("no");
  const builds = possible.map(toBuildResult);
  const told = possible.length === 0 ? examinations : possible;
  return {
    verdict: isYes ? "yes" : isNo ? "no" : "cannot-tell",
    reasons: uniqueReasons(told, !isYes && !isNo && possible.length > 0),
    builds,
    points: builds.reduce((sum, { points }) => sum + points, 0),
    violations: possible.flatMap(({ build, result }) =>
      (result?.violations ?? []).map((violation) => ({ ...violation, assuming: build.name })),
    ),
  };
}

function uniqueReasons(examinations: readonly Examination[], isSplit: boolean): readonly TwinReason[] {
  const reasons = new Map<string, TwinReason>();
  for (const { build, reasons: own } of examinations) {
    for (const { code, message } of own) {
      const text = isSplit && build.name !== "" ? `if ${build.name}: ${message}` : message;
      reasons.set(`${code} ${text}`, { code, message: text });
    }
  }
  return [...reasons.values()];
}

function toBuildResult({ build, verdict, result }: Examination): TwinBuildResult {
  const { points, outcomes, ends } = result ?? createTally();
  return { assuming: build.name, verdict: verdict === "yes" ? "yes" : "no", points, outcomes, ends };
}

function describeRelease({ header, version, descriptor, bytes, sha256, signature }: Release): TwinResult["update"] {
  const { projectName, secureVersion } = descriptor;
  return {
    chipId: header.chipId,
    version,
    projectName,
    secureVersion,
    size: bytes.length,
    sha256,
    signed: signature !== null,
  };
}

function assumptionsOf({ tableOffset }: DumpedBoard, efuses: KnownEfuses, found: BoardDescription): readonly string[] {
  const assumptions = ["the app on the board has this project's OTA agent, and takes the offer"];
  assumptions.push("the wear of the flash is not known: every sector takes what is written");
  const { bootloader } = found;
  if (bootloader?.rollback === null) {
    assumptions.push("whether the bootloader performs rollback is not known: both are judged");
  }
  if (bootloader?.antiRollback === null) {
    assumptions.push(
      "whether the bootloader performs anti-rollback is not known: judged where a secure version is above 0",
    );
  }
  if (efuses.secureBoot === undefined) {
    const is =
      bootloader?.secureBoot === true ? "on, as the bootloader is signed" : "off, as the bootloader has no signature";
    assumptions.push(`secure boot is ${is}`);
  }
  if (efuses.flashEncryption === undefined) assumptions.push("flash encryption is off, as the dump can be read");
  if (efuses.chipRevision === undefined) {
    assumptions.push("the chip's revision is not known: as much as the bootloader and the app that runs ask for");
  }
  if (tableOffset !== 0x8000) {
    assumptions.push(`the bootloader was built for a partition table at 0x${tableOffset.toString(16)}, where one is`);
  }
  return assumptions;
}
