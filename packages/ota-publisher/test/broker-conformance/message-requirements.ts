import { randomBytes } from "node:crypto";
import { buildChunk, equalBytes } from "@tinybms/ota-core";
import { PacketType, PublishFlag, readPublish } from "../mqtt-packets.ts";
import { DEVICE } from "./bench.ts";
import type { Requirement } from "./requirement.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Chunks on their way to the broker, and a second of chunks at the default rate. */
const HELD_BACK = 48;

/** Messages that fill the buffers of a connection which is not read, and their size in bytes. */
const FLOOD = { messages: 256, bytes: 131_072 };

/** What the protocol relies on when messages are published. */
export const MESSAGE_REQUIREMENTS: readonly Requirement[] = [
  {
    name: "takes a message that comes again with the DUP flag",
    sentence: "A retained message without one is sent again with the DUP flag.",
    without: "a lost acknowledgement ends the delivery with `delivery/not-acknowledged`",
    async check(bench) {
      const topic = bench.topics.deviceOffer(DEVICE);
      const sender = await bench.raw({ clientId: "publisher" });
      const isAcknowledged = await sender?.publish(topic, text("offer"), PublishFlag.dup | PublishFlag.retain);
      if (isAcknowledged !== true) return "it is not acknowledged";
      const device = await bench.device();
      await device.subscribe(topic);
      return (await device.receives(topic, text("offer"), { retained: true })) ? undefined : "it is not retained";
    },
  },
  {
    name: "sets the RETAIN flag only in answer to a subscription",
    sentence:
      "A message is retained if the RETAIN flag of its PUBLISH is set, which brokers do only in answer to a subscription.",
    without: "devices take a flood of live offers for retained ones, and verify too few honest ones",
    async check(bench) {
      const topic = bench.topics.deviceOffer(DEVICE);
      const device = await bench.device();
      await device.subscribe(topic);
      const sender = await bench.publisher();
      await sender.publish(topic, text("offer"), { retain: true });
      if (!(await device.received((messages) => messages.length > 0))) return "nothing is delivered";
      return device.messages[0]?.retained === true ? "a live message has the RETAIN flag" : undefined;
    },
  },
  {
    name: "keeps the latest retained message of a topic",
    sentence:
      "A will is fixed when the connection begins, so it may be older than the retained report that it replaces.",
    without: "devices that connect later get an old offer",
    async check(bench) {
      const topic = bench.topics.deviceOffer(DEVICE);
      const sender = await bench.publisher();
      await sender.publish(topic, text("first"), { retain: true });
      await sender.publish(topic, text("second"), { retain: true });
      const device = await bench.device();
      await device.subscribe(topic);
      if (!(await device.received((messages) => messages.length > 0))) return "nothing is retained";
      const [message] = device.messages;
      return message !== undefined && equalBytes(message.payload, text("second")) ? undefined : "an older one is kept";
    },
  },
  {
    name: `keeps ${HELD_BACK} messages for a device that has not acknowledged the one before`,
    sentence: "A transport should hold messages back instead.",
    without: "chunks are lost for devices that write flash, and are sent again",
    async check(bench) {
      const image = randomBytes(16).toString("hex");
      const topic = bench.topics.imageChunk(image);
      const device = await bench.raw({ clientId: `tinybms-${DEVICE}` });
      if (device === undefined || !(await device.subscribe(topic))) return "the subscription is not granted";
      const sender = await bench.publisher();
      const bytes = new Uint8Array(4096);
      const chunks = Array.from({ length: HELD_BACK }, (_, index) => buildChunk({ image, index, bytes }));
      await Promise.all(chunks.map((chunk) => sender.publish(topic, chunk)));
      for (const [index, chunk] of chunks.entries()) {
        const message = await device.next(({ type }) => type === PacketType.publish);
        if (message === undefined) return `${index} of ${HELD_BACK} messages arrive`;
        if (!equalBytes(readPublish(message.bytes).payload, chunk)) return `message ${index} is not the next one`;
        device.acknowledge(message);
      }
      return undefined;
    },
  },
  {
    name: "delivers to all while one client does not read",
    sentence: "With no loss, each chunk is sent once however many devices listen.",
    without: "one device that hangs stops the delivery to all",
    async check(bench) {
      const topic = bench.topics.hashes("0".repeat(32));
      const hanging = await bench.raw({ clientId: `tinybms-${DEVICE}` });
      if (hanging === undefined || !(await hanging.subscribe(topic))) return "the subscription is not granted";
      const device = await bench.device();
      await device.subscribe(topic);
      hanging.stopReading();
      const sender = await bench.publisher();
      for (let count = 1; count <= FLOOD.messages; count++) {
        await sender.publish(topic, new Uint8Array(FLOOD.bytes));
        const isThere = await device.received((messages) => messages.length > 0);
        if (!isThere) return `${count - 1} of ${FLOOD.messages} messages arrive`;
        device.forget();
      }
      return undefined;
    },
  },
];
