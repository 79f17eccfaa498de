import type { SelfTestRule } from "../agent/self-test.ts";
import type { CutMoment } from "../flash/power-cut.ts";

/** Names the devices that a fault is for: a name, a prefix with `*` behind it, or `*` for every device. */
interface ForDevices {
  readonly device: string;
}

/** Power goes at a flash operation, and comes back. */
export interface PowerCutFault extends ForDevices {
  readonly type: "power-cut";
  /** The n-th page program or sector erase from when the cut before was over, or else from the start. */
  readonly operation?: number;
  /** Instead: the first flash operation after this part of the image, 0 to 1, stands in the slot. */
  readonly at?: number;
  readonly moment: CutMoment;
  /** What the cells hit are left as, see `ERASE_TEARS` and `PROGRAM_TEARS`; the seed chooses without it. */
  readonly variant?: string;
  readonly seed?: number;
  /** How long power stays off, in milliseconds. */
  readonly offMs: number;
}

/** The self-test of new images ends otherwise than well. */
export interface SelfTestFault extends ForDevices, SelfTestRule {
  readonly type: "self-test";
}

/** Kinds of message that a fault can pick. */
export const MESSAGE_KINDS = ["offer", "hashes", "chunk", "request", "state", "any"] as const;

/** A kind of message that a fault can pick. */
export type MessageKind = (typeof MESSAGE_KINDS)[number];

/** Messages between a device and the broker, in either direction, are lost, come twice, or come late. */
export interface MessageFault extends ForDevices {
  readonly type: "lose" | "duplicate" | "delay";
  readonly message: MessageKind;
  /** For each message, 0 to 1. */
  readonly probability: number;
  /** For `delay`: how late at most, in milliseconds; later messages may overtake. */
  readonly delayMs?: number;
}

/** Ways of a serial line, by where its bytes go. */
export const LINE_DIRECTIONS = ["to-board", "to-host"] as const;

/** A way of a serial line. */
export type LineDirection = (typeof LINE_DIRECTIONS)[number];

/**
 * Bytes on a serial line are lost, have a bit flipped, or have another byte put before them; all that follow come late;
 * or the cable is pulled, which takes the board's power too.
 */
export interface LineFault extends ForDevices {
  readonly type: "line-lose" | "line-flip" | "line-insert" | "line-stall" | "line-unplug";
  readonly direction: LineDirection;
  /** Which byte of that direction it hits, 1 for the first ever. */
  readonly atByte?: number;
  /** Instead: the probability with which it hits each byte, 0 to 1. */
  readonly probability?: number;
  /** For `line-stall`: how late the bytes come, in milliseconds. */
  readonly stallMs?: number;
}

/** Something that goes wrong, as data. */
export type Fault = PowerCutFault | SelfTestFault | MessageFault | LineFault;

/** How long power stays off where a fault doesn't say, in milliseconds. */
export const OFF_MS = 500;

/** How late a delayed message comes at most where a fault doesn't say, in milliseconds. */
export const DELAY_MS = 200;

/** How late bytes come after a stalled line where a fault doesn't say, in milliseconds. */
export const STALL_MS = 1_000;

/** The faults of one device. */
export function faultsOf(faults: readonly Fault[], device: string): readonly Fault[] {
  return faults.filter(({ device: pattern }) =>
    pattern.endsWith("*") ? device.startsWith(pattern.slice(0, -1)) : pattern === device,
  );
}
