import { type DeviceState, parseTopic, readStateReport, topicsOf } from "@tinybms/ota-core";
import { connectAsync, type MqttClient } from "mqtt";
import { TOPIC } from "./fleet-processes.ts";

/** States of a device that has the image. */
const DOWNLOADED: readonly DeviceState[] = ["verifying", "ready-to-reboot", "pending-verify", "confirmed"];

/** Watches a fleet over a connection of its own, which comes back whenever it breaks. */
export class FleetWatch {
  /** Chunk messages that the broker passed on. Those of a time without a connection are missing. */
  chunks = 0;
  /** Time of the first of them, on the clock of `performance`. */
  firstChunkAt: number | undefined;
  readonly #client: MqttClient;
  readonly #count: number;
  readonly #devices = new Map<string, { state: DeviceState; share: number }>();
  #changed: () => void = () => undefined;

  private constructor(client: MqttClient, count: number) {
    this.#client = client;
    this.#count = count;
    client.on("message", (topic, payload) => this.#take(topic, payload));
  }

  /** Connects to one of the brokers. @param count - Devices of the fleet. */
  static async connect(url: string, count: number): Promise<FleetWatch> {
    const client = await connectAsync(url, { reconnectPeriod: 200 });
    client.on("error", () => undefined);
    const watch = new FleetWatch(client, count);
    const { stateFilter, deviceChunkFilter } = topicsOf(TOPIC);
    await client.subscribeAsync([stateFilter, deviceChunkFilter, `${TOPIC}/v1/image/+/chunk`], { qos: 0 });
    return watch;
  }

  get confirmed(): number {
    return [...this.#devices.values()].filter(({ state }) => state === "confirmed").length;
  }

  /** Devices by state. */
  get states(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { state } of this.#devices.values()) counts[state] = (counts[state] ?? 0) + 1;
    return counts;
  }

  /** Share of the image that the median device has. */
  get median(): number {
    const shares = [...this.#devices.values()].map(({ share }) => share).sort((left, right) => left - right);
    return shares[shares.length - Math.ceil(this.#count / 2)] ?? 0;
  }

  /** Waits until all devices have reported: a device that connects later would miss what was sent. */
  untilOnline(): Promise<void> {
    return this.#until(() => this.#devices.size === this.#count);
  }

  /** Waits until the median device has a share of the image. */
  untilMedian(share: number): Promise<void> {
    return this.#until(() => this.median >= share);
  }

  /** Waits until all devices have received the whole image. */
  untilDownloaded(): Promise<void> {
    return this.#until(() => [...this.#devices.values()].filter(({ share }) => share === 1).length === this.#count);
  }

  /** Waits until all devices confirmed. */
  untilConfirmed(): Promise<void> {
    return this.#until(() => this.confirmed === this.#count);
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true);
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = () => {
        if (condition()) resolve();
      };
      this.#changed();
    });
  }

  #take(topic: string, payload: Uint8Array): void {
    const parsed = parseTopic(TOPIC, topic);
    if (parsed?.kind === "image-chunk" || parsed?.kind === "device-chunk") {
      this.chunks++;
      this.firstChunkAt ??= performance.now();
    }
    const report = parsed?.kind === "state" ? readStateReport(payload) : undefined;
    if (report === undefined || !report.online) return;
    const { device, state, received, total } = report;
    const share = DOWNLOADED.includes(state) ? 1 : total === 0 ? 0 : received / total;
    this.#devices.set(device, { state, share });
    this.#changed();
  }
}
