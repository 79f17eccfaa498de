import { PartitionType } from "@tinybms/ota-core/esp";
import type { SimulatedDevice } from "../device/device.ts";
import type { DeviceLogEntry } from "../device/device-events.ts";
import { partitionsOf } from "../device/device-partitions.ts";
import type { NorFlash, WatchedOperation } from "../flash/nor-flash.ts";
import type { LifeRecorder } from "../power-cut/life-recorder.ts";
import type { Replay } from "../power-cut/replay.ts";
import { TOPIC_ROOT } from "../power-cut/scenario.ts";
import { TwoImages } from "../replay-page/known-images.ts";
import type { ReplayDocument } from "../replay-page/replay-document.ts";
import { ReplayRecorder } from "../replay-page/replay-recorder.ts";
import type { WorldEvent } from "../simulation/network-options.ts";

/** Time between two lives on the page, in milliseconds. */
const PAUSE_MS = 1_000;

/** Collects the replay of a power cut for a replay page: the device's lives one after the other. */
export class PowerCutPage implements LifeRecorder {
  readonly #update: Uint8Array;
  #recorder: ReplayRecorder | undefined;
  #device = "";
  /** Time on the page at which the current life begins. */
  #beginsAt = 0;
  #now = 0;
  #cut: { readonly atMs: number; readonly text: string } | undefined;

  /** @param update - The new image. */
  constructor(update: Uint8Array) {
    this.#update = update;
  }

  begin(device: SimulatedDevice): void {
    const { id, hardware } = device;
    const { flash } = hardware;
    this.#device = id;
    this.#cut = undefined;
    if (this.#recorder === undefined) {
      const images = new TwoImages({ old: firstAppOf(flash), new: this.#update });
      this.#recorder = new ReplayRecorder({ topicRoots: new Set([TOPIC_ROOT]), devices: [device], images });
      return;
    }
    this.#beginsAt = this.#recorder.endMs + PAUSE_MS;
    this.#recorder.replaceFlash(id, flash);
  }

  addNetwork(event: WorldEvent): void {
    this.#now = event.now;
    if (this.#cut === undefined) this.#recorder?.addNetwork({ ...event, now: this.#beginsAt + event.now });
  }

  addOperation({ offset }: WatchedOperation, nowMs: number): void {
    this.#now = nowMs;
    if (this.#cut === undefined) this.#recorder?.addOperation(this.#device, offset);
  }

  cut(flash: NorFlash, text: string): void {
    this.#cut = { atMs: this.#now, text };
    this.#recorder?.replaceFlash(this.#device, flash);
  }

  addLog(log: readonly DeviceLogEntry[]): void {
    const { atMs, text } = this.#cut ?? { atMs: Number.POSITIVE_INFINITY, text: "" };
    for (const entry of log) {
      if (entry.now <= atMs) this.#recorder?.addLog({ ...entry, now: this.#beginsAt + entry.now });
    }
    if (this.#cut !== undefined) this.#recorder?.addMark(this.#beginsAt + atMs, "cut", text, [this.#device]);
  }

  /** Returns the data of the page. @param point - Name of the point. */
  result(point: string, { outcome, breaches }: Replay): ReplayDocument {
    if (this.#recorder === undefined) throw new RangeError("no life has begun");
    const [violation] = breaches.filter(({ limit }) => limit === undefined);
    return this.#recorder.result({
      title: `Power cut ${point}`,
      facts: [
        ["starts first", outcome ?? "the old image"],
        ["update", `${Math.ceil(this.#update.length / 4096)} sectors`],
      ],
      verdict: {
        isGood: violation === undefined,
        text: violation === undefined ? "every invariant holds" : `${violation.invariant}: ${violation.message}`,
      },
    });
  }
}

/** Returns what the first slot for apps that is not erased holds. */
function firstAppOf(flash: NorFlash): Uint8Array {
  for (const { type, offset, size } of partitionsOf(flash)) {
    const bytes = flash.truth(offset, size);
    if (type === PartitionType.APP && bytes[0] !== 0xff) return bytes;
  }
  return new Uint8Array();
}
