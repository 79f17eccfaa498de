import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { connect, type IClientOptions, MqttClient } from "mqtt";
import { onTestFinished } from "vitest";
import {
  type BrokerRefusal,
  type EmbeddedBroker,
  type EmbeddedBrokerOptions,
  startEmbeddedBroker,
} from "../src/index.ts";

/** A broker that ends with the test, and what it refused. */
export async function startBroker(
  options: EmbeddedBrokerOptions = {},
): Promise<{ readonly broker: EmbeddedBroker; readonly refusals: BrokerRefusal[] }> {
  const refusals: BrokerRefusal[] = [];
  const broker = await startEmbeddedBroker({ ...options, onRefused: (refusal) => refusals.push(refusal) });
  onTestFinished(() => broker.close());
  return { broker, refusals };
}

/** A client that the broker took; it ends with the test, and does not come back by itself. */
export function connectClient(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  return whenConnected(connect(url, { reconnectPeriod: 0, ...options }));
}

/** A client whose connection comes from one address of this machine. */
export function connectClientFrom(localAddress: string, port: number): Promise<MqttClient> {
  const open = (): Socket => connectTcp({ host: "127.0.0.1", port, localAddress });
  return whenConnected(new MqttClient(open, { reconnectPeriod: 0 }));
}

async function whenConnected(client: MqttClient): Promise<MqttClient> {
  onTestFinished(() => void client.end(true));
  client.on("error", () => {});
  await new Promise<void>((resolve, reject) => {
    client.once("connect", () => resolve());
    client.once("error", reject);
    client.once("close", () => reject(new Error("closed")));
  });
  return client;
}

/** The CONNACK code with which the broker refuses these options, or "closed" where it just hangs up. */
export async function refusalOf(url: string, options: IClientOptions): Promise<unknown> {
  return await connectClient(url, options).then(
    () => "accepted",
    (error: unknown) => (error instanceof Error && "code" in error ? error.code : "closed"),
  );
}

/** Whether the broker lets a client publish: QoS 1 is acknowledged, or the connection is ended. */
export function mayPublish(client: MqttClient, topic: string, retain = false, payload = "{}"): Promise<boolean> {
  return new Promise((resolve) => {
    const onClose = (): void => resolve(false);
    client.once("close", onClose);
    client.publish(topic, payload, { qos: 1, retain }, (error) => {
      client.off("close", onClose);
      resolve(error === undefined || error === null);
    });
  });
}

/** Whether the broker lets a client subscribe. */
export function maySubscribe(client: MqttClient, filter: string): Promise<boolean> {
  return new Promise((resolve) => {
    client.subscribe(filter, { qos: 1 }, (error, granted) => {
      resolve(error === null && granted?.[0]?.qos !== 128);
    });
  });
}

/** A bare connection that ends with the test. */
export async function openSocket(port: number, host = "127.0.0.1"): Promise<Socket> {
  const socket = connectTcp(port, host).on("error", () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** Waits until the other end has closed a connection. */
export async function closed(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.destroyed) await once(socket, "close");
}
