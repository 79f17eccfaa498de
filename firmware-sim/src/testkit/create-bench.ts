import { startEmbeddedBroker } from "@tinybms/ota-broker";
import type { DeviceState } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { createDevice } from "../device/create-device.ts";
import type { DeviceLogEntry } from "../device/device-events.ts";
import { parseFault } from "../fault/parse-fault.ts";
import { connectDevice, type DeviceConnection } from "../mqtt/connect-device.ts";
import { untilState } from "./until-state.ts";

/** Options of {@link createBench}. */
export interface BenchOptions {
  /**
   * How many devices, named `bench-1`, `bench-2` and so on, or their names.
   *
   * @defaultValue 1
   */
  readonly devices?: number | readonly string[] | undefined;
  /** App image that the devices run at first; by default a small generated app for ESP32. */
  readonly app?: Uint8Array | undefined;
  /** Faults to inject, in the grammar of `tinybms-sim run --fault`, for example `bench-1:power-cut@at=50%`. */
  readonly faults?: readonly string[] | undefined;
  /**
   * The channel's `topic`.
   *
   * @defaultValue `tinybms/gateway/ota`
   */
  readonly topic?: string | undefined;
  /**
   * `product.name` of the manifest.
   *
   * @defaultValue `TinyBMS Web Gateway`
   */
  readonly product?: string | undefined;
}

/** Simulated devices that run on an embedded broker until the bench is disposed of. */
export interface Bench extends AsyncDisposable {
  /** URL of the broker, for example `mqtt://127.0.0.1:41234`. */
  readonly broker: string;
  /** The devices, in the order of their names. */
  readonly devices: readonly DeviceConnection[];
  /** Log of all devices so far. */
  readonly log: readonly DeviceLogEntry[];
  /**
   * Waits until every device is in a state.
   *
   * @throws Error that says which state a device was in instead, after two minutes.
   */
  untilAll(state: DeviceState): Promise<void>;
}

/**
 * Starts an embedded broker and simulated devices that are connected to it.
 *
 * @throws {@link OtaError} `simulation/invalid-fault` for an invalid fault; `simulation/does-not-fit` for an app that is
 *   larger than its slot.
 */
export async function createBench(options: BenchOptions = {}): Promise<Bench> {
  const { devices = 1, topic: topicRoot, product } = options;
  const { app = buildAppImage({ version: "0.0.1", sizeBytes: 16_384 }) } = options;
  const ids = typeof devices === "number" ? Array.from({ length: devices }, (_, at) => `bench-${at + 1}`) : devices;
  const faults = (options.faults ?? []).map((fault) => parseFault(fault));
  const boards = ids.map((id) => createDevice({ id, app, faults, topicRoot, product }));
  const broker = await startEmbeddedBroker();
  const log: DeviceLogEntry[] = [];
  const connections = boards.map((board, index) =>
    connectDevice(board, broker.url, { faults, seed: index + 1, onLog: (entry) => log.push(entry) }),
  );
  return {
    broker: broker.url,
    devices: connections,
    log,
    untilAll: async (state) => {
      await Promise.all(connections.map((connection) => untilState(connection, state)));
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(connections.map((connection) => connection.stop()));
      await broker.close();
    },
  };
}
