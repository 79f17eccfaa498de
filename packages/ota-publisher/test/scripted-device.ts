import {
  buildRequest,
  buildStateReport,
  CHUNK_SIZE,
  chunkCountOf,
  concatBytes,
  imageIdOf,
  isOtaError,
  type OfferDocument,
  parseChunk,
  parseHashList,
  parseOffer,
  type StateReport,
  sha256,
  toHex,
  topicsOf,
} from "@tinybms/ota-core";
import { parseEnvelope, parseRelease, type Release } from "@tinybms/ota-core/signing";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";

/** What a scripted device does with an offer. */
export interface DeviceScript {
  readonly device: string;
  readonly topicRoot: string;
  /** Credentials and TLS files of the device's own. */
  readonly login?: Pick<IClientOptions, "ca" | "cert" | "key" | "username" | "password">;
  /** Ends with this report in place of a download. */
  readonly refusal?: Pick<StateReport, "state" | "error">;
}

/** A device of a few lines that speaks the protocol through the codecs and follows a script: no machine of ours. */
export interface ScriptedDevice {
  /** Every offer that it was sent, with its release, in order. */
  readonly offers: readonly { readonly offer: OfferDocument; readonly release: Release }[];
  /** What the download came to, once it was whole. */
  readonly image: Uint8Array | undefined;
  close(): Promise<void>;
}

/** Connects a scripted device; it has subscribed when the promise is fulfilled. */
export async function startScriptedDevice(brokerUrl: string, script: DeviceScript): Promise<ScriptedDevice> {
  const topics = topicsOf(script.topicRoot);
  const client = await connectAsync(brokerUrl, { clientId: script.device, reconnectPeriod: 50, ...script.login });
  const device = new Device(client, script);
  client.on("message", (topic, payload) => {
    if (topic === topics.offer || topic === topics.deviceOffer(script.device)) device.takeOffer(payload);
    else if (topic === topics.hashes(device.imageId)) device.takeHashes(payload);
    else if (topic.endsWith("/chunk")) device.takeChunk(payload);
  });
  await client.subscribeAsync([topics.offer, topics.deviceOffer(script.device), topics.deviceChunk(script.device)]);
  return device;
}

class Device implements ScriptedDevice {
  readonly offers: { offer: OfferDocument; release: Release }[] = [];
  image: Uint8Array | undefined;
  readonly #client: MqttClient;
  readonly #script: DeviceScript;
  readonly #chunks = new Map<number, Uint8Array>();

  constructor(client: MqttClient, script: DeviceScript) {
    this.#client = client;
    this.#script = script;
  }

  /** Name of the image that is offered now. */
  get imageId(): string {
    return imageIdOf(this.offers.at(-1)?.release.image.sha256 ?? "00".repeat(32));
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true);
  }

  takeOffer(payload: Uint8Array): void {
    const offer = readOffer(payload);
    if (offer === undefined || offer.release === null) return;
    const release = parseRelease(offer.release.payload);
    if (this.imageId !== imageIdOf(release.image.sha256)) {
      this.#chunks.clear();
      this.image = undefined;
    }
    const isKnown = this.offers.some((known) => known.offer.id === offer.id);
    if (!isKnown) this.offers.push({ offer, release });
    const { refusal, topicRoot } = this.#script;
    if (refusal !== undefined) {
      this.#report(refusal);
      return;
    }
    const topics = topicsOf(topicRoot);
    const image = this.imageId;
    this.#report({ state: this.image === undefined ? "downloading" : "confirmed" });
    this.#client.subscribe([topics.hashes(image), topics.imageChunk(image)], { qos: 1 });
  }

  takeHashes(payload: Uint8Array): void {
    const { size, hash_list_sha256: expected } = this.#current().release.image;
    const { count } = parseHashList(payload, size, expected);
    const missing = Array.from({ length: count }, (_, index) => index).filter((index) => !this.#chunks.has(index));
    if (missing.length === 0) return;
    const request = buildRequest({
      protocol: 1,
      image: this.imageId,
      missing: [[missing[0]!, count - missing[0]!]],
      missing_count: count - missing[0]!,
      window: 0,
      unicast: false,
    });
    const topic = topicsOf(this.#script.topicRoot).request(this.#script.device);
    this.#client.publish(topic, Buffer.from(request), { qos: 1 });
  }

  takeChunk(payload: Uint8Array): void {
    const { image: id, index, bytes } = parseChunk(payload);
    if (!this.imageId.startsWith(id)) return;
    const { size, sha256: expected } = this.#current().release.image;
    this.#chunks.set(index, bytes.slice());
    if (this.#chunks.size < chunkCountOf(size) || this.image !== undefined) return;
    const image = concatBytes([...this.#chunks].sort(([left], [right]) => left - right).map(([, chunk]) => chunk));
    if (toHex(sha256(image)) !== expected) throw new Error("the chunks do not make the image");
    this.image = image;
    this.#report({ state: "verifying" });
    this.#report({ state: "confirmed" });
  }

  #current(): { offer: OfferDocument; release: Release } {
    const current = this.offers.at(-1);
    if (current === undefined) throw new Error("there is no offer yet");
    return current;
  }

  #report(fields: Pick<StateReport, "state" | "error">): void {
    const { offer, release } = this.#current();
    const { device, topicRoot } = this.#script;
    const report = buildStateReport({
      protocol: 1,
      device,
      offer: offer.id,
      image: imageIdOf(release.image.sha256),
      version: fields.state === "confirmed" ? release.version : "0.9.0",
      slot: fields.state === "confirmed" ? "ota_1" : "ota_0",
      running_sha256: fields.state === "confirmed" ? release.image.sha256 : "00".repeat(32),
      received: this.#chunks.size,
      total: Math.ceil(release.image.size / CHUNK_SIZE),
      accepted: [offer.epoch, offer.sequence],
      rollback: true,
      clock: false,
      online: true,
      boot_count: 1,
      ...fields,
    });
    this.#client.publish(topicsOf(topicRoot).state(device), Buffer.from(report), { qos: 1, retain: true });
  }
}

function readOffer(payload: Uint8Array): OfferDocument | undefined {
  try {
    return parseOffer(parseEnvelope(payload).payload);
  } catch (error) {
    if (isOtaError(error)) return undefined;
    throw error;
  }
}
