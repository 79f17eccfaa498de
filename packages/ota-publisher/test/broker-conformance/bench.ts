import type { Topics } from "@tinybms/ota-core";
import { probeWorld } from "../../src/broker-check/check-broker.ts";
import type { ProbeWorld } from "../../src/broker-check/probe.ts";
import type { ProbeClient } from "../../src/broker-check/probe-client.ts";
import { parseBrokerUrl } from "../../src/mqtt/broker-url.ts";
import type { RunningBroker } from "./brokers-under-test.ts";
import { RawClient, type RawClientOptions } from "./raw-client.ts";

/** Topic root of all checks. */
export const TOPIC_ROOT = "bench/ota";

/** The device of most checks. */
export const DEVICE = "bench-1";

/** Clients of a broker for one check. Each wait has a time limit. */
export class ConformanceBench {
  readonly broker: RunningBroker;
  readonly waitMs: number;
  readonly #clients: ProbeClient[] = [];
  readonly #raw: RawClient[] = [];

  constructor(broker: RunningBroker, waitMs: number) {
    this.broker = broker;
    this.waitMs = waitMs;
  }

  /** Names and connections for a probe of `broker-check`. */
  get world(): ProbeWorld {
    return this.#worldOf(DEVICE);
  }

  get topics(): Topics {
    return this.world.topics;
  }

  /** Connects as the publisher does. */
  publisher(): Promise<ProbeClient> {
    return this.world.publisher();
  }

  /** Connects as a device does. */
  device(name: string = DEVICE): Promise<ProbeClient> {
    return this.#worldOf(name).deviceClient();
  }

  /** Connects a client that does only what it is asked to. `undefined` if the broker does not accept it. */
  async raw(options: Omit<RawClientOptions, "waitMs">): Promise<RawClient | undefined> {
    const client = await RawClient.connect(this.broker.port, { waitMs: this.waitMs, ...options });
    if (client !== undefined) this.#raw.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.#raw) client.destroy();
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  #worldOf(device: string): ProbeWorld {
    const at = (user: string) => parseBrokerUrl(`mqtt://${this.broker.login(user)}127.0.0.1:${this.broker.port}`);
    const options = {
      ...{ broker: at("ops"), deviceBroker: at(device), topicRoot: TOPIC_ROOT, waitMs: this.waitMs },
      signal: new AbortController().signal,
    };
    return probeWorld(options, device, this.#clients);
  }
}
