import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { ProbeWill } from "../../src/broker-check/probe.ts";
import {
  buildPacket,
  ConnectFlag,
  field,
  type Packet,
  PacketReader,
  PacketType,
  PublishFlag,
  readPublish,
  uint16,
} from "../mqtt-packets.ts";

/** Options of {@link RawClient.connect}. */
export interface RawClientOptions {
  readonly clientId: string;
  /** @defaultValue 0, which turns it off */
  readonly keepAliveSeconds?: number;
  /** Published with QoS 1, retained. */
  readonly will?: ProbeWill;
  /** Time limit for each packet, in milliseconds. */
  readonly waitMs: number;
}

/** MQTT 3.1.1 client with a clean session that only sends what it is asked to: no ping and no acknowledgement. */
export class RawClient {
  readonly #socket: Socket;
  readonly #waitMs: number;
  readonly #packets: Packet[] = [];
  #onChange: () => void = () => undefined;
  #isClosed = false;

  /** Connects to a port of this machine. Fulfilled with `undefined` if the broker does not accept it in time. */
  static async connect(port: number, options: RawClientOptions): Promise<RawClient | undefined> {
    const { clientId, keepAliveSeconds = 0, will, waitMs } = options;
    const socket = connect(port, "127.0.0.1");
    const client = new RawClient(socket, waitMs);
    await once(socket, "connect");
    const willFlags = will === undefined ? 0 : ConnectFlag.will | ConnectFlag.willQos1 | ConnectFlag.willRetain;
    const header = [field("MQTT"), Buffer.of(4, ConnectFlag.cleanSession | willFlags), uint16(keepAliveSeconds)];
    const fields = will === undefined ? [] : [field(will.topic), field(will.payload)];
    client.send(buildPacket(PacketType.connect << 4, ...header, field(clientId), ...fields));
    const answer = await client.next(({ type }) => type === PacketType.connack);
    if (answer?.bytes[3] === 0) return client;
    client.destroy();
    return undefined;
  }

  private constructor(socket: Socket, waitMs: number) {
    this.#socket = socket;
    this.#waitMs = waitMs;
    const reader = new PacketReader();
    socket.on("data", (bytes: Buffer) => {
      this.#packets.push(...reader.read(bytes));
      this.#onChange();
    });
    socket.on("error", () => undefined);
    socket.once("close", () => {
      this.#isClosed = true;
      this.#onChange();
    });
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Subscribes with QoS 1. Fulfilled with `true` once the broker answered. */
  async subscribe(topic: string): Promise<boolean> {
    this.send(buildPacket((PacketType.subscribe << 4) | 2, uint16(1), field(topic), Buffer.of(1)));
    return (await this.next(({ type }) => type === 9)) !== undefined;
  }

  /** Sends PUBLISH with QoS 1, further flags and id 1. Fulfilled with `true` once it is acknowledged. */
  async publish(topic: string, payload: Uint8Array, flags: number): Promise<boolean> {
    const first = (PacketType.publish << 4) | PublishFlag.qos1 | flags;
    this.send(buildPacket(first, field(topic), uint16(1), payload));
    return (await this.next(({ type }) => type === PacketType.puback)) !== undefined;
  }

  /** Acknowledges a PUBLISH. */
  acknowledge(publish: Packet): void {
    this.send(buildPacket(PacketType.puback << 4, uint16(readPublish(publish.bytes).id)));
  }

  /** Takes the first packet that matches, and discards those before it. `undefined` if none arrives in time. */
  async next(matches: (packet: Packet) => boolean): Promise<Packet | undefined> {
    const find = (): Packet | undefined => {
      const index = this.#packets.findIndex(matches);
      return index < 0 ? undefined : this.#packets.splice(0, index + 1).at(-1);
    };
    return this.#inTime(find);
  }

  /** Waits for the end of the connection. Fulfilled with `true` if it ended in time. */
  async closed(): Promise<boolean> {
    return (await this.#inTime(() => (this.#isClosed ? true : undefined))) === true;
  }

  /** Reads nothing more, as a device that hangs. */
  stopReading(): void {
    this.#socket.pause();
  }

  /** Sends DISCONNECT, so that the broker discards the will. */
  disconnect(): void {
    this.#socket.end(buildPacket(PacketType.disconnect << 4));
  }

  /** Ends the connection without DISCONNECT. */
  destroy(): void {
    this.#socket.destroy();
  }

  #inTime<T>(find: () => T | undefined): Promise<T | undefined> {
    return new Promise((resolve) => {
      const settle = (value: T | undefined): void => {
        clearTimeout(timer);
        this.#onChange = () => undefined;
        resolve(value);
      };
      const timer = setTimeout(() => settle(undefined), this.#waitMs);
      this.#onChange = () => {
        const found = find();
        if (found !== undefined || this.#isClosed) settle(found);
      };
      this.#onChange();
    });
  }
}
