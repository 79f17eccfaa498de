import { FleetView, parseTopic, topicsOf } from "@tinybms/ota-core";
import type { BrokerAddress } from "../mqtt/broker-url.ts";
import { type BrokerConnection, connectBroker } from "../mqtt/connection.ts";
import type { MqttTarget } from "../mqtt/mqtt-channel.ts";

/**
 * Time without a message after which all retained messages count as received, in milliseconds. MQTT does not mark the
 * last one.
 */
const QUIET_MS = 300;

/** Options of {@link openFleet}. */
export interface OpenFleetOptions {
  readonly broker: BrokerAddress;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Called after each report with a change, once {@link OpenFleet.settle} is fulfilled. */
  readonly onChange?: (device: string) => void;
}

/** A fleet whose reports are being read. */
export interface OpenFleet {
  readonly fleet: FleetView;
  /** Waits until the broker has sent the retained reports, or the time limit is reached. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Subscribes to the state reports below a channel's topic with QoS 0. With QoS 1, a broker's queue for the client could
 * be too short for all retained messages.
 *
 * @throws {@link OtaError} `delivery/broker-unreachable`, `delivery/broker-refused`; the signal's reason.
 */
export async function openFleet(channel: MqttTarget, options: OpenFleetOptions): Promise<OpenFleet> {
  const { broker, timeoutMs, signal } = options;
  const connection = await connectBroker(broker, { ...channel.connection, connectTimeoutMs: timeoutMs, signal });
  return new FleetReading(connection, channel.topic, options);
}

class FleetReading implements OpenFleet {
  readonly fleet = new FleetView();
  readonly #connection: BrokerConnection;
  readonly #options: OpenFleetOptions;
  readonly #filter: string;
  #hasSettled = false;
  #onReport: () => void = () => undefined;

  constructor(connection: BrokerConnection, root: string, options: OpenFleetOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#filter = topicsOf(root).stateFilter;
    connection.on("connected", () => void connection.subscribe(this.#filter, 0));
    connection.on("message", ({ topic, payload }) => {
      const parsed = parseTopic(root, topic);
      if (parsed?.kind !== "state") return;
      const result = this.fleet.report(parsed.device, payload, Date.now());
      this.#onReport();
      if (result === "changed" && this.#hasSettled) options.onChange?.(parsed.device);
    });
  }

  async settle(): Promise<void> {
    const { timeoutMs, signal } = this.#options;
    const isGranted = await this.#connection.subscribe(this.#filter, 0);
    if (!isGranted && this.#connection.connected) {
      throw this.#connection.refusedError(`the subscription to ${this.#filter}`);
    }
    await new Promise<void>((resolve) => {
      const quiet = setTimeout(resolve, QUIET_MS);
      const late = setTimeout(resolve, timeoutMs);
      const end = (): void => {
        clearTimeout(quiet);
        clearTimeout(late);
        resolve();
      };
      signal.addEventListener("abort", end, { once: true });
      late.unref();
      this.#onReport = () => quiet.refresh();
      if (signal.aborted) end();
    });
    this.#onReport = () => undefined;
    this.#hasSettled = true;
    signal.throwIfAborted();
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
