import { startEmbeddedBroker } from "@tinybms/ota-broker";
import { expect, test } from "vitest";
import { startFaultyProxy } from "./broker-conformance/faulty-proxy.ts";
import { createDeployLine, imageOf } from "./deploy-line.ts";
import { PacketType } from "./mqtt-packets.ts";

test("the client identifier has no character that a broker may refuse, whatever the artifact's name", async () => {
  const broker = await startEmbeddedBroker({ port: 0 });
  const identifiers: string[] = [];
  const proxy = await startFaultyProxy(broker.port, () => ({
    fromClient: ({ type, bytes }) => {
      if (type === PacketType.connect) identifiers.push(/ota-[ -~]+/.exec(bytes.toString("latin1"))?.[0] ?? "none");
      return [bytes];
    },
  }));
  const artifact = { name: "TinyBMS Web Gateway", bytes: imageOf("gateway") };
  const line = createDeployLine({ mqtt: { topic: "bench/ota", mode: "blob" } }, ["mqtt"], [artifact]);
  const { exitCode } = await line.deploy(["--broker", `mqtt://127.0.0.1:${proxy.port}`]);
  line.remove();
  await proxy.close();
  await broker.close();
  expect(exitCode).toBe(0);
  expect(identifiers).not.toEqual([]);
  for (const identifier of identifiers) expect(identifier).toMatch(/^ota-TinyBMS-Web-Gateway-[0-9a-f]{8}$/);
});
