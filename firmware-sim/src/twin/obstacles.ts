import {
  AppSubtype,
  chipById,
  DataSubtype,
  findPartition,
  otaSlots,
  PartitionType,
  revisionName,
} from "@tinybms/ota-core/esp";
import type { BoardFacts } from "./builds.ts";
import type { DumpedBoard } from "./dumped-board.ts";
import type { TwinReason } from "./reason.ts";
import { revisionReasons } from "./revisions.ts";
import type { Release } from "./twin-release.ts";

/** Obstacles to an update. */
export interface Obstacles {
  /** Reasons why the update fails. */
  readonly against: readonly TwinReason[];
  /** Reasons why no verdict is possible. */
  readonly doubts: readonly TwinReason[];
}

/** Returns the obstacles that need no simulation and no running app. */
export function boardObstacles({ chip, entries }: DumpedBoard, { header }: Release): readonly TwinReason[] {
  const reasons: TwinReason[] = [];
  if (header.chipId !== chip.id) {
    const found = chipById(header.chipId)?.name ?? `the chip with ID 0x${header.chipId.toString(16).padStart(4, "0")}`;
    reasons.push({ code: "image/wrong-chip", message: `the image is for ${found}, and the board is an ${chip.name}` });
  }
  const table = { entries };
  if (otaSlots(table).length === 0) {
    const factory = findPartition(table, PartitionType.APP, AppSubtype.FACTORY);
    const only = factory === undefined ? "" : "; an app can't overwrite factory while it runs there";
    reasons.push({ code: "image/no-ota-slots", message: `the partition table has no OTA slot${only}` });
  } else if (findPartition(table, PartitionType.DATA, DataSubtype.OTA) === undefined) {
    const message = "the partition table has no otadata partition, so no slot can be selected";
    reasons.push({ code: "image/no-ota-slots", message });
  }
  return reasons;
}

/** Returns the obstacles that result from the running app and the eFuses. */
export function releaseObstacles(facts: BoardFacts, release: Release): Obstacles {
  const { board, running, efuses, evidence, revisions } = facts;
  const { against, doubts } = revisionReasons(release, revisions, efuses, board.chip.checksBlockRevision);
  const version = versionObstacles(facts, release);
  const more: TwinReason[] = [...version.against];
  const [own, other] = [running.descriptor?.projectName ?? "", release.descriptor.projectName];
  if (own !== other) {
    const message = `the image is project ${JSON.stringify(other)}, and the board runs ${JSON.stringify(own)}`;
    more.push({ code: "offer/wrong-project", message });
  }
  if (evidence.secureBoot && release.signature === null) {
    more.push({ code: "image/unsigned", message: "the image has no signature, and the board has secure boot" });
  }
  const isOld = release.signature?.version === 1;
  const v1: TwinReason = { code: "image/signature-invalid", message: "secure boot v1 is not simulated" };
  return { against: [...against, ...more], doubts: [...doubts, ...version.doubts, ...(isOld ? [v1] : [])] };
}

/** Checks the secure version against the eFuse, or, if that is unknown, against the running app's. */
function versionObstacles({ running, efuses, evidence }: BoardFacts, { descriptor }: Release): Obstacles {
  const version = descriptor.secureVersion;
  const burned = efuses.secureVersion;
  const own = running.descriptor?.secureVersion ?? 0;
  if (burned !== undefined && version < burned) {
    const message = `the image's secure version is ${version}, and the eFuse has ${burned}`;
    return { against: [{ code: "offer/secure-version", message }], doubts: [] };
  }
  if (burned !== undefined || version >= own || evidence.antiRollback === false) return { against: [], doubts: [] };
  const message = `the image's secure version is ${version}, the running app's is ${own}, and the eFuse's is unknown; give secureVersion with --efuse`;
  return { against: [], doubts: [{ code: "offer/secure-version", message }] };
}

/** Returns the contradictions between eFuses and dump. */
export function efuseDoubts({ board, efuses }: Pick<BoardFacts, "board" | "efuses">): readonly TwinReason[] {
  const doubts: TwinReason[] = [];
  if (efuses.flashEncryption === true) {
    const message = "flash encryption is on in the eFuses, but the dump is not encrypted: the chip could not run it";
    doubts.push({ code: "image/encrypted", message });
  }
  const { bootloader } = board.inspection;
  const required = bootloader?.minChipRevision ?? undefined;
  const [major = 0, minor = 0] = required?.split(".").map(Number) ?? [];
  if (efuses.chipRevision !== undefined && efuses.chipRevision < major * 100 + minor) {
    const message = `the bootloader requires chip revision v${required}, and the eFuses have ${revisionName(efuses.chipRevision)}`;
    doubts.push({ code: "image/chip-revision", message });
  }
  return doubts;
}
