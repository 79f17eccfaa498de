import { randomBytes } from "node:crypto";
import { isOtaError, toHex, topicsOf } from "@tinybms/ota-core";
import { type BrokerAddress, displayBroker } from "../mqtt/broker-url.ts";
import { connectBroker } from "../mqtt/connection.ts";
import type { BrokerLimitsFound, ProbeOutcome, ProbeWill, ProbeWorld } from "./probe.ts";
import { ProbeClient } from "./probe-client.ts";
import { PROBES } from "./probes.ts";

/** Options of {@link checkBroker}. */
export interface BrokerCheckOptions {
  readonly broker: BrokerAddress;
  /** The broker as devices reach it, for example with their user name. @defaultValue `broker` */
  readonly deviceBroker?: BrokerAddress | undefined;
  /** Topic root. The check only uses topics of a made-up device and image below it. */
  readonly topicRoot: string;
  /** Time limit for each answer of the broker, in milliseconds. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** Result of one probe. */
export interface ProbeResult extends ProbeOutcome {
  readonly name: string;
  readonly need: string;
  /** What to set. Absent if the probe passed, or was not run because an earlier one failed. */
  readonly advice?: string;
}

/** Result of a check. */
export interface BrokerCheck {
  readonly broker: string;
  readonly topicRoot: string;
  readonly passed: boolean;
  readonly probes: readonly ProbeResult[];
}

/**
 * Checks that a broker does what the delivery protocol relies on. Leaves no retained message behind.
 *
 * @throws {@link OtaError} `delivery/broker-unreachable` or `delivery/broker-refused` if the first connection fails,
 *   `protocol/topic-invalid`; the signal's reason.
 */
export async function checkBroker(options: BrokerCheckOptions): Promise<BrokerCheck> {
  const { broker, topicRoot, signal } = options;
  const clients: ProbeClient[] = [];
  const name = `broker-check-${toHex(randomBytes(4))}`;
  const world = probeWorld(options, name, clients);
  const probes: ProbeResult[] = [];
  try {
    await world.publisher();
    for (const { name: probe, need, advice, after, run } of PROBES) {
      signal.throwIfAborted();
      if (probes.some((earlier) => earlier.name === after && !earlier.passed)) {
        probes.push({ name: probe, need, passed: false, found: `not tried: see ${after}` });
        continue;
      }
      const outcome = await run(world).catch(outcomeOfError);
      probes.push({ name: probe, need, ...(outcome.passed ? {} : { advice }), ...outcome });
      await closeAll(clients);
    }
    signal.throwIfAborted();
  } finally {
    await clearRetained(world).catch(() => undefined);
    await closeAll(clients);
  }
  return { broker: displayBroker(broker), topicRoot, passed: probes.every(({ passed }) => passed), probes };
}

/**
 * Creates the names and connections of probes.
 *
 * @param name - Name of the made-up device.
 * @param clients - Receives each client that a probe connects; the caller closes them.
 */
export function probeWorld(options: BrokerCheckOptions, name: string, clients: ProbeClient[]): ProbeWorld {
  const { broker, deviceBroker = broker, topicRoot, waitMs, signal } = options;
  const connect = async (address: BrokerAddress, role: string, will?: ProbeWill): Promise<ProbeClient> => {
    const clientId = `${name}-${role}-${clients.length}`;
    const lastWill = will === undefined ? undefined : { ...will, qos: 1 as const, retain: true };
    const client = await ProbeClient.connect(address, { clientId, waitMs, signal, will: lastWill });
    clients.push(client);
    return client;
  };
  return {
    topics: topicsOf(topicRoot),
    device: name,
    image: toHex(randomBytes(16)),
    publisher: () => connect(broker, "publisher"),
    deviceClient: (will) => connect(deviceBroker, "device", will),
    limits: () => readLimits(options, name),
  };
}

/** Reads the broker's limits over one MQTT 5 connection. MQTT 3.1.1 has no limits in CONNACK. */
async function readLimits(
  { broker, waitMs, signal }: BrokerCheckOptions,
  name: string,
): Promise<BrokerLimitsFound | undefined> {
  const options = { clientId: `${name}-limits`, connectTimeoutMs: waitMs, forBlob: true, signal };
  const connection = await connectBroker(broker, options);
  const { limits } = connection;
  await connection.close();
  return limits?.version === 5 ? limits : undefined;
}

/** Converts a failed connection to an outcome of the probe. Throws every other error again. */
function outcomeOfError(error: unknown): ProbeOutcome {
  if (isOtaError(error)) return { passed: false, found: error.message };
  throw error;
}

async function closeAll(clients: ProbeClient[]): Promise<void> {
  await Promise.all(clients.splice(0).map((client) => client.close()));
}

async function clearRetained(world: ProbeWorld): Promise<void> {
  const { topics, device, image } = world;
  const nothing = new Uint8Array();
  const sender = await world.publisher();
  await sender.publish(topics.deviceOffer(device), nothing, { retain: true });
  await sender.publish(topics.hashes(image), nothing, { retain: true });
  const receiver = await world.deviceClient();
  await receiver.publish(topics.state(device), nothing, { retain: true });
}
