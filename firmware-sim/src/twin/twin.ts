import type { AgentKind } from "../agent/agent-receiver.ts";
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

/** An input file. */
export interface TwinFile<Content> {
  /** Name of the file, for messages. */
  readonly file: string;
  readonly content: Content;
}

/** Input of {@link judgeUpdate}: a device and a release. */
export interface TwinInput {
  /** The device's whole flash, as `esptool read-flash 0 ALL` writes it. */
  readonly flash: TwinFile<Uint8Array>;
  /** The app image of the release. */
  readonly update: TwinFile<Uint8Array>;
  /** Version of the release; by default that of the image's app descriptor. */
  readonly version?: string | undefined;
  /** Known eFuses of the device, as JSON. */
  readonly efuse?: TwinFile<string> | undefined;
  /** ESP-IDF release of the apps; by default the one in the running app's descriptor. */
  readonly idf?: IdfReleaseMatch | undefined;
  /** ESP-IDF release of the bootloader; by default the one in its descriptor, or else the app's. */
  readonly bootloaderIdf?: IdfReleaseMatch | undefined;
  /** `CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE` of the apps; by default as in the bootloader. */
  readonly appRollback?: boolean | undefined;
  /** Total number of power cuts. */
  readonly points: "all" | number;
  /** Decides all random choices. */
  readonly seed: number;
  /**
   * Implementation of the device's receiver.
   *
   * @defaultValue `ts`
   */
  readonly agent?: AgentKind | undefined;
}

/** Result for one build. */
export interface TwinBuildResult {
  /** The assumption behind the build; empty if none is needed. */
  readonly assuming: string;
  readonly verdict: "yes" | "no";
  readonly points: number;
  readonly outcomes: SweepResult["outcomes"];
  readonly ends: SweepResult["ends"];
}

/** Verdict on whether a device survives a release. JSON-safe. */
export interface TwinResult {
  readonly verdict: "yes" | "no" | "cannot-tell";
  /** Reasons for `no` or `cannot-tell`. */
  readonly reasons: readonly TwinReason[];
  /** Assumptions of the verdict that the dump does not show. */
  readonly assumptions: readonly string[];
  readonly found: BoardDescription;
  /** ESP-IDF releases that were simulated. */
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
  /** Number of power cuts. */
  readonly points: number;
  readonly violations: readonly (SweepViolation & { readonly assuming: string })[];
}

/**
 * Predicts whether a device survives a release: updates a simulated copy of the device and cuts its power everywhere, once
 * for each combination of build options that the dump leaves open.
 *
 * @throws {@link OtaError} `image/…`, `simulation/flash-invalid`, `simulation/efuse-invalid` for invalid files; the
 *   signal's reason if it is aborted.
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
    doubts.push({ code: "image/not-bootable", message: `the board does not start from this dump: ${running.reason}` });
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
  // An unreliable dump can't rule out a release.
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
  { points, seed, agent }: TwinInput,
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
    examinations.push(await examineBuild(contents, release, build, { seed, agent, points: share, sweep }));
  }
  return examinations;
}

/** Combines the results of all builds that start: `yes` or `no` if they agree, otherwise `cannot-tell`. */
function combine(
  examinations: readonly Examination[],
): Pick<TwinResult, "verdict" | "reasons" | "builds" | "points" | "violations"> {
  const possible = examinations.filter(({ verdict }) => verdict !== "starts-not");
  const verdicts = new Set(possible.map(({ verdict }) => verdict));
  const isYes = verdicts.size === 1 && verdicts.has("yes");
  const isNo = verdicts.size === 1 && verdicts.has("no");
  const builds = possible.map(toBuildResult);
  const explained = possible.length === 0 ? examinations : possible;
  return {
    verdict: isYes ? "yes" : isNo ? "no" : "cannot-tell",
    reasons: uniqueReasons(explained, !isYes && !isNo && possible.length > 0),
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
  const assumptions = ["the app on the board has this project's OTA agent and accepts the offer"];
  assumptions.push("no sector of the flash is worn out");
  const { bootloader } = found;
  if (bootloader?.rollback === null) {
    assumptions.push("whether the bootloader performs rollback is unknown: both are simulated");
  }
  if (bootloader?.antiRollback === null) {
    assumptions.push(
      "whether the bootloader performs anti-rollback is unknown: simulated if a secure version is above 0",
    );
  }
  if (efuses.secureBoot === undefined) {
    const is =
      bootloader?.secureBoot === true
        ? "on, because the bootloader is signed"
        : "off, because the bootloader is not signed";
    assumptions.push(`secure boot is ${is}`);
  }
  if (efuses.flashEncryption === undefined) assumptions.push("flash encryption is off, because the dump is readable");
  if (efuses.chipRevision === undefined) {
    assumptions.push("the chip's revision is unknown: the lowest that the bootloader and the running app accept");
  }
  if (tableOffset !== 0x8000) {
    assumptions.push(`the bootloader was built for the partition table at 0x${tableOffset.toString(16)}`);
  }
  return assumptions;
}
