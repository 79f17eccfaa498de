import { buildStateReport, parseOffer, type StateReport, topicsOf } from "@tinybms/ota-core";
import { parseEnvelope, parseRelease } from "@tinybms/ota-core/signing";
import { connectAsync, type MqttClient } from "mqtt";
import { targetAdmits } from "../../ota-core/src/messages/target.ts";

/** What a device of a {@link LightFleet} says once it is offered an image: its states in order. */
export type DeviceStory = readonly Pick<StateReport, "state" | "error">[];

export const GOOD: DeviceStory = [{ state: "downloading" }, { state: "confirmed" }];
export const BAD: DeviceStory = [
  { state: "downloading" },
  { state: "rolled-back", error: { code: "delivery/self-test-failed", message: "the sensor is silent" } },
];

/** Many devices over one connection that report as their stories say. They download nothing. */
export interface LightFleet {
  /** Devices that an offer included, by the offer's number. */
  readonly touched: ReadonlyMap<string, ReadonlySet<string>>;
  /** Number of withdrawals on the product's topic. */
  readonly withdrawals: number;
  /** Reports for a device; the broker has it when the promise is fulfilled. */
  report(device: string, more: Partial<StateReport>): Promise<void>;
  close(): Promise<void>;
}

/** Connects a fleet; it has subscribed and reported when the promise is fulfilled. */
export async function startLightFleet(
  brokerUrl: string,
  topicRoot: string,
  stories: ReadonlyMap<string, DeviceStory>,
): Promise<LightFleet> {
  const client = await connectAsync(brokerUrl);
  const fleet = new Fleet(client, topicRoot, stories);
  const topics = topicsOf(topicRoot);
  client.on("message", (_, payload) => fleet.takeOffer(payload));
  await client.subscribeAsync([topics.offer, ...[...stories.keys()].map((device) => topics.deviceOffer(device))]);
  for (const device of stories.keys()) await fleet.report(device, { state: "idle" });
  return fleet;
}

class Fleet implements LightFleet {
  readonly touched = new Map<string, Set<string>>();
  withdrawals = 0;
  readonly #client: MqttClient;
  readonly #topicRoot: string;
  readonly #stories: ReadonlyMap<string, DeviceStory>;

  constructor(client: MqttClient, topicRoot: string, stories: ReadonlyMap<string, DeviceStory>) {
    this.#client = client;
    this.#topicRoot = topicRoot;
    this.#stories = stories;
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true);
  }

  takeOffer(payload: Uint8Array): void {
    if (payload.length === 0) return;
    const offer = parseOffer(parseEnvelope(payload).payload);
    if (offer.release === null) {
      this.withdrawals++;
      return;
    }
    const { image } = parseRelease(offer.release.payload);
    const number = `${offer.epoch}/${offer.sequence}`;
    const touched = this.touched.get(number) ?? new Set();
    this.touched.set(number, touched);
    for (const [device, story] of this.#stories) {
      if (touched.has(device) || !targetAdmits(offer.target, device)) continue;
      touched.add(device);
      for (const step of story) {
        const running = step.state === "confirmed" ? { running_sha256: image.sha256 } : {};
        const accepted: StateReport["accepted"] = [offer.epoch, offer.sequence];
        void this.report(device, { ...step, ...running, accepted, offer: offer.id, image: image.sha256.slice(0, 32) });
      }
    }
  }

  async report(device: string, more: Partial<StateReport>): Promise<void> {
    const report: StateReport = {
      ...{ protocol: 1, device, state: "idle", version: "1", slot: "ota_0", running_sha256: "cd".repeat(32) },
      ...{ received: 0, total: 0, accepted: [1, 0], rollback: true, clock: false, online: true, boot_count: 1 },
      ...more,
    };
    const topic = topicsOf(this.#topicRoot).state(device);
    await this.#client.publishAsync(topic, buildStateReport(report) as Buffer, { qos: 1, retain: true });
  }
}
