import type { SelfTestRule } from "../agent/self-test.ts";
import type { CutMoment } from "../flash/power-cut.ts";

/** Selects the devices that a fault applies to: a name, a prefix followed by `*`, or `*` for every device. */
interface ForDevices {
  readonly device: string;
}

/** A power cut at a flash operation, after which power returns. */
export interface PowerCutFault extends ForDevices {
  readonly type: "power-cut";
  /** Number of the page program or sector erase, counted from the end of the previous cut or from the start. */
  readonly operation?: number | undefined;
  /** Instead: hits the first flash operation after this fraction of the image, 0 to 1, is in the slot. */
  readonly at?: number | undefined;
  readonly moment: CutMoment;
  /** Name of the tear, from `ERASE_TEARS` or `PROGRAM_TEARS`. By default the seed chooses one. */
  readonly variant?: string | undefined;
  readonly seed?: number | undefined;
  /** How long power stays off, in milliseconds. */
  readonly offMs: number;
}

/** A rule for the self-test of new images. */
export interface SelfTestFault extends ForDevices, SelfTestRule {
  readonly type: "self-test";
}

/** Kinds of message that a fault can pick. */
export const MESSAGE_KINDS = ["offer", "hashes", "chunk", "request", "state", "any"] as const;

/** A kind of message that a fault can pick. */
export type FaultyMessage = (typeof MESSAGE_KINDS)[number];

/** Loses, duplicates or delays messages between a device and the broker, in both directions. */
export interface MessageFault extends ForDevices {
  readonly type: "lose" | "duplicate" | "delay";
  readonly message: FaultyMessage;
  /** Probability for each message, 0 to 1. */
  readonly probability: number;
  /** For `delay`: maximum delay in milliseconds. Later messages may overtake. */
  readonly delayMs?: number;
}

/** Directions of a serial line, by where its bytes go. */
export const LINE_DIRECTIONS = ["to-board", "to-host"] as const;

/** A direction of a serial line. */
export type LineDirection = (typeof LINE_DIRECTIONS)[number];

/**
 * A fault of a serial line: bytes are lost, have a bit flipped, or get an extra byte in front of them; all that follow
 * are delayed; or the cable is unplugged, which also cuts the board's power.
 */
export interface LineFault extends ForDevices {
  readonly type: "line-lose" | "line-flip" | "line-insert" | "line-stall" | "line-unplug";
  readonly direction: LineDirection;
  /** Number of the byte it hits in that direction; 1 is the first byte ever sent. */
  readonly atByte?: number | undefined;
  /** Instead: probability for each byte, 0 to 1. */
  readonly probability?: number | undefined;
  /** For `line-stall`: the delay in milliseconds. */
  readonly stallMs?: number | undefined;
}

/** A fault to inject, as plain data. */
export type Fault = PowerCutFault | SelfTestFault | MessageFault | LineFault;

/** Default time that power stays off, in milliseconds. */
export const OFF_MS = 500;

/** Default maximum delay of a delayed message, in milliseconds. */
export const DELAY_MS = 200;

/** Default delay of bytes after a stalled line, in milliseconds. */
export const STALL_MS = 1_000;

/** Returns the faults that apply to one device. */
export function faultsOf(faults: readonly Fault[], device: string): readonly Fault[] {
  return faults.filter(({ device: pattern }) =>
    pattern.endsWith("*") ? device.startsWith(pattern.slice(0, -1)) : pattern === device,
  );
}
