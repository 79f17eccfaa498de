import {
  type DeviceState,
  parseStateReport,
  type ReceiverAction,
  type ReceiverEvent,
  type ReceiverOptions,
  type ReceiverStats,
  type ReportedError,
  type StateReport,
  topicsOf,
} from "@tinybms/ota-core";
import { DEVICE_ALGORITHMS } from "@tinybms/ota-core/signing";
import type { AgentReceiver } from "../agent/agent-receiver.ts";
import type { ExecProcess, ExecThread } from "./exec-thread.ts";
import { parseAction } from "./parse-action.ts";
import type { VectorHeader, VectorObject } from "./vector.ts";
import { VectorJson } from "./vector-json.ts";

type Booted = Extract<ReceiverEvent, { type: "booted" }>;

/** How many random numbers a program gets. */
const RANDOM_NUMBERS = 16;

const NO_STATS: ReceiverStats = { chunksReceived: 0, chunksUseful: 0, requests: 0, dropped: {} };

/**
 * A receiver in a process of its own, as the agent of a simulated device. Each start of the device starts the program, and
 * each reset kills it.
 *
 * What the device is doing is what the program last reported. Before its first report, it is what `booted` says.
 */
export class ExecMachine implements AgentReceiver {
  readonly #options: ReceiverOptions;
  readonly #process: ExecProcess;
  readonly #json: VectorJson = new VectorJson(new Uint8Array(1));
  readonly #stateTopic: string;
  #report: StateReport | undefined;

  /** @param thread - Starts the program. */
  constructor(thread: ExecThread, options: ReceiverOptions) {
    this.#options = options;
    this.#stateTopic = topicsOf(options.topicRoot).state(options.device);
    this.#process = thread.start(headerOf(options));
  }

  get state(): DeviceState {
    return this.#report?.state ?? "idle";
  }

  get error(): ReportedError | undefined {
    return this.#report?.error as ReportedError | undefined;
  }

  get progress(): { readonly received: number; readonly total: number } {
    const { received = 0, total = 0 } = this.#report ?? {};
    return { received, total };
  }

  /** Zeros: a program need not count. */
  get stats(): ReceiverStats {
    return NO_STATS;
  }

  /** Returns the last report, or what `booted` says. */
  report(online: boolean): StateReport {
    if (this.#report === undefined) throw new Error("booted comes first");
    return { ...this.#report, online };
  }

  /** @throws {@link OtaError} `simulation/no-answer` if the program does not answer with actions. */
  handle(event: ReceiverEvent): ReceiverAction[] {
    if (event.type === "booted") this.#report = reportAtBoot(this.#options.device, event);
    const actions = this.#process.handle(this.#encode(event)).map((action) => parseAction(this.#json, action));
    for (const action of actions) {
      if (action.type === "publish" && action.topic === this.#stateTopic && action.retain) {
        this.#report = parseStateReport(action.payload);
      }
    }
    return actions;
  }

  /** Kills the program. */
  dispose(): void {
    this.#process.kill();
  }

  #encode(event: ReceiverEvent): VectorObject {
    const { topicRoot, device } = this.#options;
    const topics = topicsOf(topicRoot);
    const message = (topic: string, payload: Uint8Array, retained: boolean): VectorObject => {
      return { type: "message", topic, retained, payload: this.#json.encodeBytes(payload), now: event.now };
    };
    switch (event.type) {
      case "offer":
        return message(topics.offer, event.payload, event.retained);
      case "key-set":
        return message(topics.keys(1), event.payload, event.retained);
      case "hashes":
        return message(topics.hashes(event.image), event.payload, true);
      case "chunk":
        return message(topics.deviceChunk(device), event.payload, false);
      default:
        return this.#json.encode(event) as VectorObject;
    }
  }
}

function headerOf(options: ReceiverOptions): VectorHeader {
  const { device, topicRoot, product, chipId, allowUnsigned, window = 0, keySet, random } = options;
  const { algorithms = DEVICE_ALGORITHMS } = options;
  return {
    vector: 1,
    name: "world",
    rule: "A device survives power cuts.",
    device: {
      device,
      topic_root: topicRoot,
      product,
      chip_id: chipId,
      allow_unsigned: allowUnsigned,
      algorithms: [...algorithms],
      window,
      key_set: keySet === undefined ? null : JSON.parse(JSON.stringify(keySet.document)),
    },
    random_permille: Array.from({ length: RANDOM_NUMBERS }, () => Math.floor(random() * 1000)),
    image: { size: 1, seed: 1 },
  };
}

/** Returns what a device would report after a start, as far as its flash says it. */
function reportAtBoot(device: string, { running, record, bootCount, rollback, keySet }: Booted): StateReport {
  const { version, slot, sha256 } = running;
  const [epoch, sequence] = record?.accepted ?? [0, 0];
  return {
    protocol: 1,
    device,
    state: stateAtBoot({ running, record }),
    version,
    slot,
    running_sha256: sha256,
    received: 0,
    total: 0,
    accepted: [epoch, sequence],
    ...(keySet === undefined ? {} : { key_set: keySet.epoch }),
    rollback,
    clock: false,
    online: true,
    boot_count: bootCount,
  };
}

function stateAtBoot({ running, record }: Pick<Booted, "record" | "running">): DeviceState {
  if (running.pendingVerify) return "pending-verify";
  if (record?.outcome !== undefined) return record.outcome.outcome;
  if (record?.attempt?.image !== running.sha256) return "idle";
  return record.attempt.proven === true ? "confirmed" : "pending-verify";
}
