import { parseTopic } from "@tinybms/ota-core";
import type { SimulatedDevice } from "../device/device.ts";
import type { DeviceLogEntry } from "../device/device-events.ts";
import type { NorFlash } from "../flash/nor-flash.ts";
import type { WorldEvent } from "../simulation/network-options.ts";
import { FlashRecorder } from "./flash-recorder.ts";
import type { KnownImages } from "./known-images.ts";
import {
  ARROW_KINDS,
  type ArrowKind,
  type MarkKind,
  type ReplayDocument,
  type ReplayHeading,
  type ReplayLane,
  type ReplayMark,
  type ReplayMessage,
} from "./replay-document.ts";

/** Most devices, and messages and marks of one lane, that a page shows. */
export const DEVICES_MAX = 24;
const MESSAGES_MAX = 4_000;
const MARKS_MAX = 1_000;

/** Keys of the lanes that belong to no device; no device can have such a name. */
const WORLD = " world";
const PUBLISHERS = " publishers";

/** Messages of one kind within this time are one arrow, in milliseconds. */
const MERGE_MS = 20;

/** What is said of messages and marks beyond their number. */
const MISSING = { messages: "messages have no arrow, all", marks: "marks and states are missing, all" } as const;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** A lane while it is recorded. */
interface LaneRecord {
  readonly name: string;
  readonly type: ReplayLane["type"];
  readonly sent: Writable<ReplayMessage>[];
  readonly received: Writable<ReplayMessage>[];
  readonly lost: Writable<ReplayMessage>[];
  readonly states: [atMs: number, state: string][];
  readonly marks: ReplayMark[];
  readonly flash: FlashRecorder | undefined;
}

/** What a {@link ReplayRecorder} records. */
export interface RecordedDevices {
  /** Topics of the channels. */
  readonly topicRoots: ReadonlySet<string>;
  /** Devices of the run. The first are shown. */
  readonly devices: readonly SimulatedDevice[];
  readonly images: KnownImages;
}

/** Records a run for a replay page: bounded, whatever happens in it. */
export class ReplayRecorder {
  readonly #topicRoots: ReadonlySet<string>;
  readonly #lanes: Map<string, LaneRecord> = new Map();
  readonly #leftOut: ReadonlySet<string>;
  readonly #missing: Map<keyof typeof MISSING, { count: number; readonly fromMs: number }> = new Map();
  #endMs = 0;

  constructor({ topicRoots, devices, images }: RecordedDevices) {
    this.#topicRoots = topicRoots;
    this.#lane(WORLD, "world", "world");
    const shown = devices.slice(0, DEVICES_MAX);
    this.#leftOut = new Set(devices.slice(DEVICES_MAX).map(({ id }) => id));
    for (const { id, hardware } of shown) {
      this.#lane(id, "device", id, new FlashRecorder(hardware.flash, images)).states.push([0, "off"]);
    }
  }

  /** Time of the last event, in milliseconds. */
  get endMs(): number {
    return this.#endMs;
  }

  /** Adds an operation on a device's flash, before it is carried out. */
  addOperation(device: string, offset: number): void {
    this.#lanes.get(device)?.flash?.touch(offset);
  }

  /** Goes on with another flash of a device, such as a copy that a power cut left. */
  replaceFlash(device: string, flash: NorFlash): void {
    this.#lanes.get(device)?.flash?.replace(flash);
  }

  /** Adds an event of the network. */
  addNetwork({ type, client, topic, bytes = 0, now }: WorldEvent): void {
    this.#look(now);
    if (this.#leftOut.has(client)) return;
    const device = this.#lanes.get(client);
    const lane = device ?? this.#lane(PUBLISHERS, "publisher", "publishers");
    if (type === "end") return this.#mark(lane, now, "connection", `connection of ${client} ends`);
    if (type === "connect" && device === undefined) return this.#mark(lane, now, "publisher", `${client} connects`);
    if (topic === undefined) return;
    const list = type === "publish" ? lane.sent : type === "deliver" ? lane.received : lane.lost;
    this.#addMessage(list, now, this.#kindOf(topic), bytes);
  }

  /** Adds an entry of a device's log. */
  addLog(entry: DeviceLogEntry): void {
    this.#look(entry.now);
    const lane = this.#lanes.get(entry.device);
    if (lane === undefined) return;
    const { now } = entry;
    switch (entry.type) {
      case "state":
        return this.#addState(lane, now, entry.state, entry.error?.message);
      case "booted":
        this.#addState(lane, now, "idle");
        return this.#mark(
          lane,
          now,
          "boot",
          `boots ${entry.version} from ${entry.slot}${entry.rolledBack ? ", rolled back" : ""}`,
        );
      case "power-cut":
        this.#addState(lane, now, "off");
        return this.#mark(lane, now, "cut", entry.message);
      case "reset-loop":
        return this.#mark(lane, now, "failure", `can't boot: ${entry.reason}`);
      case "panic":
      case "unprovisioned":
        return this.#mark(lane, now, "failure", entry.message);
    }
  }

  /**
   * Adds something that happened to devices, or to the world around them.
   *
   * @param devices - Names; empty for the world.
   */
  addMark(nowMs: number, kind: MarkKind, text: string, devices: readonly string[] = []): void {
    this.#look(nowMs);
    const names = devices.length === 0 ? [WORLD] : devices;
    for (const name of names) {
      const lane = this.#lanes.get(name);
      if (lane === undefined) continue;
      this.#mark(lane, nowMs, kind, text);
      if (lane.type === "device" && (kind === "cut" || kind === "sleep")) this.#addState(lane, nowMs, "off");
    }
  }

  /**
   * Returns the data of the page.
   *
   * @param endMs - When the run ended. @defaultValue time of the last event
   */
  result(about: ReplayHeading, endMs: number = this.#endMs): ReplayDocument {
    this.#look(endMs);
    const lanes = [...this.#lanes.values()];
    const flashChanges = lanes.reduce((sum, { flash }) => sum + (flash?.omitted ?? 0), 0);
    const omitted = [
      [this.#leftOut.size, "devices have no lane"],
      ...[...this.#missing].map(
        ([what, { count, fromMs }]) => [count, `${MISSING[what]} after ${(fromMs / 1_000).toFixed(1)} s`] as const,
      ),
      [flashChanges, "changes of flash are missing"],
    ] as const;
    return {
      replay: 1,
      ...about,
      endMs: Math.ceil(this.#endMs),
      lanes: lanes
        .map(({ flash, ...lane }) => ({ ...lane, flash: flash?.result() ?? null }))
        .sort((left, right) => ORDER[left.type] - ORDER[right.type]),
      omitted: omitted.flatMap(([count, text]) => (count === 0 ? [] : [`${count} ${text}: the run is too large.`])),
    };
  }

  /** Records the changes of flash since the event before: none of them is later than this one. */
  #look(nowMs: number): void {
    this.#endMs = Math.max(this.#endMs, nowMs);
    for (const { flash } of this.#lanes.values()) flash?.look(this.#endMs);
  }

  #lane(key: string, type: ReplayLane["type"], name: string, flash?: FlashRecorder): LaneRecord {
    const known = this.#lanes.get(key);
    if (known !== undefined) return known;
    const lane = { name, type, sent: [], received: [], lost: [], states: [], marks: [], flash };
    this.#lanes.set(key, lane);
    return lane;
  }

  #kindOf(topic: string): ArrowKind {
    const parsed = [...this.#topicRoots].map((root) => parseTopic(root, topic)).find((it) => it !== undefined);
    const kind = parsed?.kind ?? "other";
    if (kind === "image-chunk" || kind === "device-chunk") return "chunk";
    if (kind === "device-offer") return "offer";
    return kind === "keys" ? "other" : kind;
  }

  #addMessage(list: Writable<ReplayMessage>[], nowMs: number, name: ArrowKind, bytes: number): void {
    const kind = ARROW_KINDS.indexOf(name);
    const last = list.at(-1);
    if (last !== undefined && last[1] === kind && nowMs - last[0] <= MERGE_MS) {
      last[2]++;
      last[3] += bytes;
    } else if (list.length < MESSAGES_MAX) list.push([Math.round(nowMs), kind, 1, bytes]);
    else this.#leaveOut("messages", nowMs);
  }

  #addState(lane: LaneRecord, nowMs: number, state: string, error?: string): void {
    if (error !== undefined) this.#mark(lane, nowMs, "fault", `${state}: ${error}`);
    if (lane.states.at(-1)?.[1] === state) return;
    if (lane.states.length < MARKS_MAX) lane.states.push([Math.round(nowMs), state]);
    else this.#leaveOut("marks", nowMs);
  }

  #mark(lane: LaneRecord, nowMs: number, kind: MarkKind, text: string): void {
    if (lane.marks.length < MARKS_MAX) lane.marks.push([Math.round(nowMs), kind, text]);
    else this.#leaveOut("marks", nowMs);
  }

  #leaveOut(what: keyof typeof MISSING, nowMs: number): void {
    const missing = this.#missing.get(what) ?? { count: 0, fromMs: nowMs };
    missing.count++;
    this.#missing.set(what, missing);
  }
}

const ORDER: Readonly<Record<ReplayLane["type"], number>> = { world: 0, publisher: 1, device: 2 };
