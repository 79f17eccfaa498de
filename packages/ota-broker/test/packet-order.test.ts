import { once } from "node:events";
import { createRequire } from "node:module";
import fc from "fast-check";
import { expect, test } from "vitest";
import { connectClient, mayPublish, openSocket, startBroker } from "./broker-clients.ts";

const mqttPacket: {
  parser(): {
    on(event: "packet", listener: (packet: { readonly cmd: string; readonly topic?: string }) => void): void;
    parse(bytes: Uint8Array): number;
  };
  generate(packet: object): Uint8Array;
} = createRequire(createRequire(import.meta.url).resolve("mqtt"))("mqtt-packet");

type Step = readonly ["subscribe" | "unsubscribe", topic: string];

/** All of a client's packets in one write, from CONNECT on. */
function pipelined(steps: readonly Step[]): Uint8Array {
  const connect = mqttPacket.generate({
    cmd: "connect",
    protocolId: "MQTT",
    protocolVersion: 4,
    clean: true,
    clientId: "c",
  });
  const packets = steps.map(([cmd, topic], index) =>
    mqttPacket.generate(
      cmd === "subscribe"
        ? { cmd, messageId: index + 1, subscriptions: [{ topic, qos: 0 }] }
        : { cmd, messageId: index + 1, unsubscriptions: [topic] },
    ),
  );
  return Buffer.concat([connect, ...packets, mqttPacket.generate({ cmd: "pingreq" })]);
}

/** The topics on which a client that sent these packets at once gets a message afterwards. */
async function topicsHeard(steps: readonly Step[]): Promise<readonly string[]> {
  const { broker } = await startBroker();
  const socket = await openSocket(broker.port);
  const packets: { readonly cmd: string; readonly topic?: string }[] = [];
  const parser = mqttPacket.parser();
  parser.on("packet", (packet) => packets.push(packet));
  socket.on("data", (bytes: Uint8Array) => void parser.parse(bytes));
  socket.write(pipelined(steps));
  const has = (cmd: string): boolean => packets.some((packet) => packet.cmd === cmd);
  while (!has("pingresp")) await once(socket, "data");
  const writer = await connectClient(broker.url);
  for (const topic of ["a", "b"]) await mayPublish(writer, topic);
  socket.write(mqttPacket.generate({ cmd: "subscribe", messageId: 99, subscriptions: [{ topic: "end", qos: 0 }] }));
  await mayPublish(writer, "end", true);
  const topics = (): string[] =>
    packets.flatMap(({ cmd, topic }) => (cmd === "publish" && topic !== undefined ? [topic] : []));
  while (!topics().includes("end")) await once(socket, "data");
  await broker.close();
  return topics().filter((topic) => topic !== "end");
}

test("keeps a subscription after UNSUBSCRIBE and SUBSCRIBE of one topic, also in one segment", async () => {
  expect(
    await topicsHeard([
      ["subscribe", "a"],
      ["unsubscribe", "a"],
      ["subscribe", "a"],
    ]),
  ).toEqual(["a"]);
});

test("handles one client's packets in order, however they are pipelined", async () => {
  const step = fc.tuple(fc.constantFrom("subscribe" as const, "unsubscribe" as const), fc.constantFrom("a", "b"));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const subscribed = new Set<string>();
      for (const [cmd, topic] of steps) {
        if (cmd === "subscribe") subscribed.add(topic);
        else subscribed.delete(topic);
      }
      expect(await topicsHeard(steps)).toEqual([...subscribed].sort());
    }),
    { numRuns: 40 },
  );
});
