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

/** What speaks against an update, and what keeps one from telling. */
export interface Obstacles {
  readonly against: readonly TwinReason[];
  readonly doubts: readonly TwinReason[];
}

/** What board and release say without a simulation, whether or not anything starts from the dump. */
export function boardObstacles({ chip, entries }: DumpedBoard, { header }: Release): readonly TwinReason[] {
  const reasons: TwinReason[] = [];
  if (header.chipId !== chip.id) {
    const found = chipById(header.chipId)?.name ?? `a chip of id 0x${header.chipId.toString(16).padStart(4, "0")}`;
    reasons.push({ code: "image/wrong-chip", message: `the image is for ${found}, and the board is an ${chip.name}` });
  }
  const table = { entries };
  if (otaSlots(table).length === 0) {
    const factory = findPartition(table, PartitionType.APP, AppSubtype.FACTORY);
    const only = factory === undefined ? "" : ": an app can't overwrite factory while it runs";
    reasons.push({ code: "image/no-ota-slots", message: `the partition table has no OTA slot${only}` });
  } else if (findPartition(table, PartitionType.DATA, DataSubtype.OTA) === undefined) {
    const message = "the partition table has no otadata partition to select a slot with";
    reasons.push({ code: "image/no-ota-slots", message });
  }
  return reasons;
}

/** What the app that runs and the eFuses say. */
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
    more.push({ code: "image/unsigned", message: "the image has no signature, and the board has secure boot on" });
  }
  const isOld = release.signature?.version === 1;
  const v1: TwinReason = { code: "image/signature-invalid", message: "secure boot v1 is not modelled" };
  return { against: [...against, ...more], doubts: [...doubts, ...version.doubts, ...(isOld ? [v1] : [])] };
}

/** Secure versions: known of the eFuse, or no lower than that of the app where anti-rollback burnt it. */
function versionObstacles({ running, efuses, evidence }: BoardFacts, { descriptor }: Release): Obstacles {
  const version = descriptor.secureVersion;
  const burnt = efuses.secureVersion;
  const own = running.descriptor?.secureVersion ?? 0;
  if (burnt !== undefined && version < burnt) {
    const message = `the image's secure version is ${version}, and ${burnt} is burnt into the eFuse`;
    return { against: [{ code: "offer/secure-version", message }], doubts: [] };
  }
  if (burnt !== undefined || version >= own || evidence.antiRollback === false) return { against: [], doubts: [] };
  const message = `the image's secure version is ${version}, and the app that runs has ${own}: whether that is burnt into the eFuse is not known; --efuse with secureVersion tells`;
  return { against: [], doubts: [{ code: "offer/secure-version", message }] };
}

/** eFuses that don't fit the dump. */
export function efuseDoubts({ board, efuses }: Pick<BoardFacts, "board" | "efuses">): readonly TwinReason[] {
  const doubts: TwinReason[] = [];
  if (efuses.flashEncryption === true) {
    const message = "the eFuses say that flash is encrypted, and the dump is not: it is not what this chip reads";
    doubts.push({ code: "image/encrypted", message });
  }
  const { bootloader } = board.inspection;
  const asked = bootloader?.minChipRevision ?? undefined;
  const [major = 0, minor = 0] = asked?.split(".").map(Number) ?? [];
  if (efuses.chipRevision !== undefined && efuses.chipRevision < major * 100 + minor) {
    const message = `the bootloader asks for a chip revision of v${asked}, and the eFuses say ${revisionName(efuses.chipRevision)}`;
    doubts.push({ code: "image/chip-revision", message });
  }
  return doubts;
}
