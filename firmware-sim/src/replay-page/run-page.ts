import { access, constants } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { SimulatedDevice } from "../device/device.ts";
import { unwritable } from "../device/flash-file.ts";
import type { DeviceConnectOptions } from "../mqtt/connect-options.ts";
import { wireSize } from "../simulation/delivery-queue.ts";
import { DeliveredImages } from "./delivered-images.ts";
import type { ReplayHeading } from "./replay-document.ts";
import { DEVICES_MAX, ReplayRecorder } from "./replay-recorder.ts";
import { writeReplayPage } from "./write-replay-page.ts";

/** Publishers that a page names when it first hears them. */
const NAMES_MAX = 100;

/** A message that a client published on an embedded broker. */
export interface PublishedSize {
  readonly clientId: string;
  readonly topic: string;
  /** Size of its payload in bytes. */
  readonly sizeBytes: number;
}

/** Collects devices that run in real time for a replay page. */
export class RunPage {
  readonly #recorder: ReplayRecorder;
  readonly #images: DeliveredImages;
  readonly #startedAt: number = performance.now();
  /** MQTT client identifiers of the devices. */
  readonly #devices: ReadonlySet<string>;
  readonly #shown: ReadonlySet<SimulatedDevice>;
  readonly #publishers: Set<string> = new Set();

  /** @param devices - Devices of the run, switched off. The first are shown. */
  constructor(devices: readonly SimulatedDevice[]) {
    const topicRoots = new Set(devices.map(({ topicRoot }) => topicRoot));
    this.#devices = new Set(devices.map(({ id }) => `tinybms-${id}`));
    this.#shown = new Set(devices.slice(0, DEVICES_MAX));
    this.#images = new DeliveredImages(topicRoots);
    for (const { hardware } of this.#shown) this.#images.addOld(hardware.flash);
    this.#recorder = new ReplayRecorder({ topicRoots, devices, images: this.#images });
  }

  /**
   * Watches the flash of a device.
   *
   * @returns Options of `connectDevice` that collect the rest. Call those of your own from them.
   */
  watch(device: SimulatedDevice): Required<Pick<DeviceConnectOptions, "onLog" | "onNetwork">> {
    const { id, hardware } = device;
    if (!this.#shown.has(device)) return { onLog: () => undefined, onNetwork: () => undefined };
    hardware.flash.watch(({ offset }) => this.#recorder.addOperation(id, offset));
    return {
      // A device whose identity changes over its serial port keeps its lane.
      onLog: (entry) => this.#recorder.addLog({ ...entry, device: id, now: this.#sinceStart(entry.now) }),
      onNetwork: (event) => {
        const now = this.#sinceStart(event.now);
        if (!("topic" in event)) return this.#recorder.addNetwork({ type: event.type, client: id, now });
        const { type, topic, payload } = event;
        if (type === "deliver") this.#images.addMessage(topic, payload);
        this.#recorder.addNetwork({ type, client: id, now, topic, bytes: wireSize({ topic, payload }) });
      },
    };
  }

  /** Adds a message that an embedded broker took. Those of the devices are ignored: they are collected already. */
  addPublished({ clientId, topic, sizeBytes }: PublishedSize): void {
    if (this.#devices.has(clientId)) return;
    const now = this.#sinceStart(performance.now());
    if (!this.#publishers.has(clientId) && this.#publishers.size < NAMES_MAX) {
      this.#publishers.add(clientId);
      this.#recorder.addNetwork({ type: "connect", client: clientId, now });
    }
    const bytes = wireSize({ topic, payload: { length: sizeBytes } });
    this.#recorder.addNetwork({ type: "publish", client: clientId, now, topic, bytes });
  }

  /**
   * Writes the page, in place of an older one.
   *
   * @throws {@link OtaError} `simulation/file-unwritable`.
   */
  async write(file: string, about: ReplayHeading): Promise<void> {
    await writeReplayPage(file, this.#recorder.result(about, this.#sinceStart(performance.now())));
  }

  #sinceStart(now: number): number {
    return Math.max(0, now - this.#startedAt);
  }
}

/**
 * Checks before a run that its page can be written after it.
 *
 * @throws {@link OtaError} `simulation/file-unwritable` if the folder does not exist or can't be written.
 */
export async function assertPageWritable(file: string): Promise<void> {
  await access(dirname(resolve(file)), constants.W_OK).catch((cause: unknown) => {
    throw unwritable(file, cause);
  });
}
