/** Kinds of messages, by index. */
export const ARROW_KINDS = ["offer", "hashes", "chunk", "request", "state", "other"] as const;

/** A kind of message. */
export type ArrowKind = (typeof ARROW_KINDS)[number];

/** What stands in a sector, by index. In a slot for apps, `data` is neither of the images: it is torn or another image. */
export const SECTOR_CONTENTS = ["erased", "old image", "new image", "data"] as const;

/** What stands in a sector. */
export type SectorContent = (typeof SECTOR_CONTENTS)[number];

/** Kinds of marks. */
export type MarkKind = "boot" | "cut" | "sleep" | "connection" | "broker" | "publisher" | "fault" | "failure";

/**
 * Messages in one direction: time in milliseconds, index in {@link ARROW_KINDS}, number of messages at about that time, and
 * their payloads together in bytes.
 */
export type ReplayMessage = readonly [atMs: number, kind: number, count: number, bytes: number];

/** A mark on a lane: time in milliseconds, kind, and what happened. */
export type ReplayMark = readonly [atMs: number, kind: MarkKind, text: string];

/** A partition in a {@link ReplayFlash}. */
export interface ReplayPartition {
  readonly name: string;
  /** Its size in sectors. */
  readonly sectors: number;
  /** Sectors that the map shows, from its start. The others stay erased. */
  readonly shown: number;
}

/** The flash of a device: what stands in the sectors of its partitions, one after the other as far as they are shown. */
export interface ReplayFlash {
  readonly partitions: readonly ReplayPartition[];
  /** At time 0, an index in {@link SECTOR_CONTENTS} for each shown sector. */
  readonly start: string;
  readonly changes: readonly (readonly [atMs: number, sector: number, content: number])[];
}

/** A device, a publisher, or the world around them. */
export interface ReplayLane {
  readonly name: string;
  readonly type: "world" | "publisher" | "device";
  readonly sent: readonly ReplayMessage[];
  readonly received: readonly ReplayMessage[];
  /** Messages for this client that a queue or the network lost. */
  readonly lost: readonly ReplayMessage[];
  /** States of a device, each from its time on; `off` while it has no power. */
  readonly states: readonly (readonly [atMs: number, state: string])[];
  readonly marks: readonly ReplayMark[];
  readonly flash: ReplayFlash | null;
}

/** What stands above the lanes of a replay page. */
export interface ReplayHeading {
  readonly title: string;
  readonly facts: readonly (readonly [label: string, text: string])[];
  readonly verdict: { readonly isGood: boolean; readonly text: string };
}

/** Data of a replay page. docs/fuzz.md describes it. */
export interface ReplayDocument extends ReplayHeading {
  /** Version of the format. */
  readonly replay: 1;
  /** Time of the last event, in milliseconds. */
  readonly endMs: number;
  readonly lanes: readonly ReplayLane[];
  /** What the page leaves out, in sentences. */
  readonly omitted: readonly string[];
}
