import type { SimulatedDevice } from "../device/device.ts";
import type { DeviceLogEntry } from "../device/device-events.ts";
import type { WorldEvent } from "../simulation/network-options.ts";
import { BrokenInvariant } from "./invariants.ts";

/** Greatest number of starts of a new image before it is confirmed. */
const STARTS_MAX = 2;
/** Requests in one minute without a useful chunk: at 0, 1.5, 4.5, 10.5, 22.5 and 46.5 s, and two for a reconnect. */
const REQUESTS_MAX = 8;
const MINUTE_MS = 60_000;

/** The images of a world, as SHA-256 in hex. */
export interface WorldImages {
  readonly oldSha256: string;
  readonly newSha256: string;
}

/** Checks one device's life against the invariants. */
export class DeviceWatch {
  readonly device: SimulatedDevice;
  readonly #images: WorldImages;
  #starts = 0;
  #endedAs: string | undefined;
  /** Times of its requests on one connection since its last useful chunk. */
  #requests: number[] = [];
  #useful = 0;

  constructor(device: SimulatedDevice, images: WorldImages) {
    this.device = device;
    this.#images = images;
  }

  /** Takes an entry of the world's log about this device. @throws BrokenInvariant */
  onLog(entry: DeviceLogEntry): void {
    if (entry.type === "booted") return this.#onBoot();
    if (entry.type === "state") return this.#onState(entry.state);
    if (entry.type === "power-cut") return;
    throw new BrokenInvariant("bootable", `${entry.device}: ${JSON.stringify(entry)}`);
  }

  /** Takes an event of the device's connection. @throws BrokenInvariant */
  onNetwork({ type, topic, now }: WorldEvent): void {
    if (type === "connect") this.#requests = [];
    if (type !== "publish" || topic?.endsWith("/request") !== true) return;
    const { chunksUseful } = this.device.totals;
    if (chunksUseful > this.#useful) this.#requests = [];
    this.#useful = chunksUseful;
    this.#requests.push(now);
    const first = this.#requests[this.#requests.length - REQUESTS_MAX];
    if (first === undefined || now - first >= MINUTE_MS) return;
    const message = `${this.device.id} made ${REQUESTS_MAX} requests in ${Math.round(now - first)} ms, and nothing useful came`;
    throw new BrokenInvariant("patient", message);
  }

  #onBoot(): void {
    const { running_sha256: running, state } = this.device.report ?? {};
    const { oldSha256, newSha256 } = this.#images;
    if (running !== newSha256) {
      if (running !== oldSha256) throw new BrokenInvariant("known-image", `${this.device.id} runs ${running}`);
      return;
    }
    // Confirmed before a power cut that came before the report.
    if (this.#endedAs === "confirmed" || state === "confirmed") return;
    this.#starts++;
    if (this.#starts <= STARTS_MAX) return;
    throw new BrokenInvariant("starts", `${this.device.id} starts the image for the ${this.#starts}th time`);
  }

  #onState(state: string): void {
    if (state === "confirmed" || state === "rolled-back" || state === "failed") this.#endedAs = state;
    else if (this.#endedAs !== undefined && state === "downloading") {
      throw new BrokenInvariant("once", `${this.device.id} was ${this.#endedAs}, and downloads again`);
    }
  }
}
