import { buildChunk, CHUNK_HASH_SIZE, CHUNK_SIZE } from "@tinybms/ota-core";
import { failed, type Probe, passed } from "./probe.ts";

/** Size of the hash list to try, in bytes: the hash list of an image of 4 MiB. */
const HASH_LIST_SIZE = 1024 * CHUNK_HASH_SIZE;

/** Number of chunks to publish at once. A publisher without a rate limit sends more. */
const BURST = 300;

const ORDER_ADVICE =
  "messages on one topic must arrive in the order in which they were published (MQTT 3.1.1 section 4.6); otherwise chunks count as lost, and are sent again";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Behaviors that the delivery protocol relies on, in the order of the probes. */
export const PROBES: readonly Probe[] = [
  {
    name: "limits",
    need: "the broker accepts retained messages, QoS 1 and the hash list of a 4 MiB image",
    advice:
      "keep retained messages, allow QoS 1 and packets of 600 000 bytes (Mosquitto: retain_available true, max_qos 2, max_packet_size 600000)",
    async run({ limits }) {
      const found = await limits();
      if (found === undefined) return passed("it does not support MQTT 5, so it states no limits");
      const { packetSizeMax, qosMax, canRetain } = found;
      const faults = [
        canRetain ? "" : "it retains no messages",
        qosMax === 0 ? "it accepts only QoS 0" : "",
        packetSizeMax !== undefined && packetSizeMax < HASH_LIST_SIZE + 256
          ? `it accepts packets of at most ${packetSizeMax} bytes`
          : "",
      ].filter((fault) => fault !== "");
      if (faults.length > 0) return failed(faults.join(", "));
      return passed(
        packetSizeMax === undefined ? "it states none" : `it accepts packets of at most ${packetSizeMax} bytes`,
      );
    },
  },
  {
    name: "requests",
    need: "a device's messages reach the publisher with QoS 1",
    advice:
      "let devices write T/v1/device/{device}/request; let publishers read T/v1/device/+/request; allow QoS 1 (Mosquitto: max_qos 2)",
    async run({ topics, device, publisher, deviceClient }) {
      const sender = await publisher();
      const receiver = await deviceClient();
      const payload = text("request");
      if (!(await sender.subscribe(topics.requestFilter))) {
        return failed("the publisher's subscription with QoS 1 is not granted", sender);
      }
      if (!(await receiver.publish(topics.request(device), payload))) {
        return failed("the device's message is not acknowledged", receiver);
      }
      const isThere = await sender.receives(topics.request(device), payload);
      return isThere ? passed("delivered") : failed("the device's message is acknowledged, but not delivered", sender);
    },
  },
  {
    name: "retained",
    need: "devices that connect later receive the offer, and the publisher reads it back",
    advice:
      "keep retained messages (Mosquitto: retain_available true); let publishers read and write T/v1/device/{device}/offer; let devices read T/v1/device/{device}/offer",
    async run({ topics, device, publisher, deviceClient }) {
      const sender = await publisher();
      const topic = topics.deviceOffer(device);
      const payload = text("offer");
      if (!(await sender.publish(topic, payload, { retain: true }))) {
        return failed("the publisher's retained message is not acknowledged", sender);
      }
      const receiver = await deviceClient();
      if (!(await receiver.subscribe(topic))) return failed("the device's subscription is not granted", receiver);
      if (!(await receiver.receives(topic, payload, { retained: true }))) {
        return failed("the broker does not send the retained message", receiver);
      }
      await sender.subscribe(topic);
      const isReadBack = await sender.receives(topic, payload, { retained: true });
      return isReadBack ? passed("delivered") : failed("the publisher does not receive the retained message", sender);
    },
  },
  {
    name: "repeated",
    need: "devices subscribe again to receive what they had no time for",
    advice: "a retained message must come with each subscription, repeated ones too (MQTT 3.1.1 section 3.8.4)",
    after: "retained",
    async run({ topics, device, publisher, deviceClient }) {
      const sender = await publisher();
      const topic = topics.deviceOffer(device);
      const payload = text("offer");
      await sender.publish(topic, payload, { retain: true });
      const receiver = await deviceClient();
      await receiver.subscribe(topic);
      await receiver.receives(topic, payload, { retained: true });
      receiver.forget();
      await receiver.subscribe(topic);
      const isRepeated = await receiver.receives(topic, payload, { retained: true });
      return isRepeated
        ? passed("sent again at each subscription")
        : failed("the broker does not send the retained message at a second subscription", receiver);
    },
  },
  {
    name: "cleared",
    need: "what nobody needs any more can be removed",
    advice: "an empty retained message must remove the previous one (MQTT 3.1.1 section 3.3.1.3)",
    after: "retained",
    async run({ topics, device, publisher, deviceClient }) {
      const sender = await publisher();
      const offer = topics.deviceOffer(device);
      await sender.publish(offer, text("offer"), { retain: true });
      if (!(await sender.publish(offer, new Uint8Array(), { retain: true }))) {
        return failed("the empty message is not acknowledged", sender);
      }
      const receiver = await deviceClient();
      await receiver.subscribe(offer);
      // This message arrives after everything that the broker sends for the subscription.
      await sender.publish(offer, text("fence"));
      const isFenced = await receiver.receives(offer, text("fence"));
      if (!isFenced) return failed("a message that is not retained is not delivered", receiver);
      const isGone = receiver.messages.every(({ retained }) => !retained);
      return isGone ? passed("removed") : failed("the broker still sends it", receiver);
    },
  },
  {
    name: "will",
    need: "the fleet's state shows which devices are offline",
    advice: "let devices write T/v1/device/{device}/state (their wills too); let publishers read T/v1/device/+/state",
    after: "retained",
    async run({ topics, device, publisher, deviceClient }) {
      const sender = await publisher();
      const topic = topics.state(device);
      const payload = text("offline");
      if (!(await sender.subscribe(topics.stateFilter))) {
        return failed("the publisher's subscription is not granted", sender);
      }
      const receiver = await deviceClient({ topic, payload });
      receiver.drop();
      if (!(await sender.receives(topic, payload))) return failed("the broker does not publish the will", sender);
      const late = await publisher();
      await late.subscribe(topics.stateFilter);
      const isKept = await late.receives(topic, payload, { retained: true });
      return isKept ? passed("published and retained") : failed("the broker does not retain the will", late);
    },
  },
  {
    name: "hash list",
    need: "the hash list of a 4 MiB image fits in one message",
    advice:
      "allow messages of 600 000 bytes, the hash list of the largest image (Mosquitto: max_packet_size 600000, message_size_limit 600000); let publishers read and write T/v1/image/{image}/hashes; let devices read T/v1/image/{image}/hashes",
    after: "retained",
    async run({ topics, image, publisher, deviceClient }) {
      const sender = await publisher();
      const topic = topics.hashes(image);
      const payload = new Uint8Array(HASH_LIST_SIZE).map((_, index) => index % 251);
      if (!(await sender.publish(topic, payload, { retain: true }))) {
        return failed(`a message of ${HASH_LIST_SIZE} bytes is not acknowledged`, sender);
      }
      const receiver = await deviceClient();
      await receiver.subscribe(topic);
      if (!(await receiver.receives(topic, payload, { retained: true }))) {
        return failed(`a message of ${HASH_LIST_SIZE} bytes is not delivered`, receiver);
      }
      await sender.subscribe(topic);
      const isReadBack = await sender.receives(topic, payload, { retained: true });
      return isReadBack ? passed("delivered") : failed("the publisher does not receive the hash list", sender);
    },
  },
  {
    name: "chunk",
    need: "chunks reach all devices that want them, and single devices",
    advice:
      "allow messages of 600 000 bytes, the hash list of the largest image (Mosquitto: max_packet_size 600000, message_size_limit 600000); let publishers write T/v1/image/{image}/chunk; let publishers write T/v1/device/{device}/chunk; let devices read T/v1/image/{image}/chunk; let devices read T/v1/device/{device}/chunk",
    async run({ topics, device, image, publisher, deviceClient }) {
      const sender = await publisher();
      const receiver = await deviceClient();
      const chunk = buildChunk({ image, index: 0, bytes: new Uint8Array(CHUNK_SIZE) });
      for (const topic of [topics.imageChunk(image), topics.deviceChunk(device)]) {
        const whose = topic === topics.imageChunk(image) ? "for all devices" : "for one device";
        if (!(await receiver.subscribe(topic))) {
          return failed(`the device's subscription to chunks ${whose} is not granted`, receiver);
        }
        if (!(await sender.publish(topic, chunk))) return failed(`a chunk ${whose} is not acknowledged`, sender);
        if (!(await receiver.receives(topic, chunk))) return failed(`a chunk ${whose} is not delivered`, receiver);
      }
      return passed("delivered");
    },
  },
  {
    name: "burst",
    need: "the broker keeps chunks in order while a device is slower than the publisher",
    advice: "give each client a longer queue (Mosquitto: max_inflight_messages 100, max_queued_messages 0)",
    after: "chunk",
    async run({ topics, image, publisher, deviceClient }) {
      const sender = await publisher();
      const receiver = await deviceClient();
      const topic = topics.imageChunk(image);
      if (!(await receiver.subscribe(topic))) return failed("the device's subscription is not granted", receiver);
      const bytes = new Uint8Array(CHUNK_SIZE);
      const chunks = Array.from({ length: BURST }, (_, index) => buildChunk({ image, index, bytes }));
      const acknowledged = await Promise.all(chunks.map((chunk) => sender.publish(topic, chunk)));
      if (acknowledged.includes(false)) {
        const count = acknowledged.filter((it) => it).length;
        return failed(`${count} of ${BURST} chunks were acknowledged`, sender);
      }
      if (!(await receiver.received((messages) => messages.length >= BURST))) {
        return failed(`${receiver.messages.length} of ${BURST} chunks arrived`, receiver);
      }
      const isOrdered = receiver.messages.every(
        ({ payload }, index) => Buffer.compare(payload, chunks[index] ?? payload) === 0,
      );
      return isOrdered
        ? passed(`${BURST} chunks arrived in order`)
        : { ...failed("chunks arrived out of order", receiver), advice: ORDER_ADVICE };
    },
  },
];
