import { parseTopic } from "@tinybms/ota-core";
import type { DeviceLogEntry } from "../device/device-events.ts";
import type { WorldEvent } from "../simulation/network-options.ts";
import type { PlanStep } from "./world-plan.ts";

/** A line of a world's timeline. */
export interface TimelineEntry {
  readonly atMs: number;
  /** A device, a publisher, or `world`. */
  readonly who: string;
  readonly what: string;
  /** Number of entries of this kind in a row, at least 1. */
  readonly count: number;
}

/** Collects what happens in a world as lines for people. Equal events of one client in a row become one line. */
export class Timeline {
  readonly #topicRoot: string;
  readonly #entries: { atMs: number; who: string; what: string; count: number }[] = [];
  /** The last entry of each client. */
  readonly #last: Map<string, { what: string; count: number }> = new Map();

  constructor(topicRoot: string) {
    this.#topicRoot = topicRoot;
  }

  /** The entries so far, in order of time. */
  get entries(): readonly TimelineEntry[] {
    return this.#entries;
  }

  /** Adds an event of the network. */
  addNetwork({ type, client, topic, now }: WorldEvent): void {
    const kind = topic === undefined ? undefined : (parseTopic(this.#topicRoot, topic)?.kind ?? "other");
    this.#add(now, client, kind === undefined ? VERBS[type] : `${VERBS[type]} ${kind}`);
  }

  /** Adds an entry of a device's log. */
  addLog(entry: DeviceLogEntry): void {
    this.#add(entry.now, entry.device, describe(entry));
  }

  /** Adds a step of the plan. */
  addStep(step: PlanStep, nowMs: number): void {
    const { atMs: _, type, ...details } = step;
    this.#add(nowMs, "world", `${type} ${JSON.stringify(details)}`);
  }

  #add(atMs: number, who: string, what: string): void {
    const last = this.#last.get(who);
    if (last?.what === what) {
      last.count++;
      return;
    }
    const entry = { atMs: Math.round(atMs), who, what, count: 1 };
    this.#last.set(who, entry);
    this.#entries.push(entry);
  }
}

const VERBS: Readonly<Record<WorldEvent["type"], string>> = {
  connect: "connects",
  end: "loses or ends its connection",
  publish: "publishes",
  deliver: "receives",
  drop: "misses, because its queue at the broker is full:",
  lose: "loses, by a fault of the network:",
};

function describe(entry: DeviceLogEntry): string {
  switch (entry.type) {
    case "booted":
      return `boots ${entry.version} from ${entry.slot} (start ${entry.bootCount}${entry.rolledBack ? ", rolled back" : ""})`;
    case "state":
      return `is ${entry.state}${entry.error === undefined ? "" : ` (${entry.error.code}: ${entry.error.message})`}`;
    case "reset-loop":
      return `can't boot: ${entry.reason}`;
    case "unprovisioned":
    case "power-cut":
    case "panic":
      return `${entry.type}: ${entry.message}`;
  }
}
