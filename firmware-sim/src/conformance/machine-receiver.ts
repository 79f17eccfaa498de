import {
  buildReceiverRecord,
  messageEvent,
  parseReceiverRecord,
  type ReceiverAction,
  type ReceiverEvent,
  type ReceiverOptions,
} from "@tinybms/ota-core";
import { trustKeys } from "@tinybms/ota-core/signing";
import type { JudgedReceiver } from "./run-vector.ts";
import { isObject, type VectorHeader, type VectorObject, type VectorValue } from "./vector.ts";
import { vectorImage } from "./vector-image.ts";
import { VectorJson } from "./vector-json.ts";

/** A receiver state machine of this project. */
export interface ReceiverMachine {
  handle(event: ReceiverEvent): readonly ReceiverAction[];
  /** Frees memory that no garbage collector frees. No other method may be called after it. */
  dispose?(): void;
}

/** Runs conformance vectors on a state machine. */
export class MachineReceiver implements JudgedReceiver {
  readonly #create: (options: ReceiverOptions) => ReceiverMachine;
  #machine: ReceiverMachine | undefined;
  #json: VectorJson = new VectorJson(new Uint8Array(1));
  #options: ReceiverOptions | undefined;

  /** @param create - Creates a state machine. Called at the start of each vector, and at each `booted` event. */
  constructor(create: (options: ReceiverOptions) => ReceiverMachine) {
    this.#create = create;
  }

  async begin({ device, random_permille: permille, image }: VectorHeader): Promise<void> {
    this.#json = new VectorJson(vectorImage(image.size, image.seed));
    let drawn = 0;
    const random = (): number => (permille[drawn++ % permille.length] ?? 0) / 1000;
    this.#options = receiverOptions(device, random);
    this.dispose();
  }

  async handle(event: VectorObject): Promise<readonly VectorObject[]> {
    const options = this.#options;
    if (options === undefined) throw new Error("begin comes first");
    if (event.type === "booted") {
      this.dispose();
      this.#machine = this.#create(options);
    }
    const decoded = receiverEvent(this.#json, event, options);
    const actions = decoded === undefined ? [] : (this.#machine?.handle(decoded) ?? []);
    return actions.map((action) => encodeAction(this.#json, action));
  }

  /** Frees the machine. The next vector, or `booted` event, creates another. */
  dispose(): void {
    this.#machine?.dispose?.();
    this.#machine = undefined;
  }
}

/** Converts an action to its form in vectors. */
export function encodeAction(json: VectorJson, action: ReceiverAction): VectorObject {
  const encoded = json.encode(action);
  if (!isObject(encoded)) throw new Error("an action is an object");
  return action.type === "publish" ? { ...encoded, payload: json.encodeMessage(action.payload) } : encoded;
}

function receiverOptions(device: VectorObject, random: () => number): ReceiverOptions {
  const { key_set: keySet, algorithms } = device;
  return {
    device: String(device.device),
    topicRoot: String(device.topic_root),
    product: String(device.product),
    chipId: Number(device.chip_id),
    allowUnsigned: device.allow_unsigned === true,
    window: Number(device.window),
    algorithms: algorithms as ReceiverOptions["algorithms"],
    keySet: isObject(keySet) ? trustKeys(keySet as never) : undefined,
    random,
  };
}

/** Returns the receiver's event; `undefined` for a message on a topic of another device. */
function receiverEvent(json: VectorJson, event: VectorObject, options: ReceiverOptions): ReceiverEvent | undefined {
  if (event.type !== "message") return json.decode(withReadableRecord(nullsLeftOut(event))) as ReceiverEvent;
  const now = Number(event.now);
  return messageEvent(options, {
    now,
    topic: String(event.topic),
    payload: json.decode(event.payload ?? null) as Uint8Array,
    retained: event.retained === true,
  });
}

/** Leaves out a record that is malformed, as a device does that reads its text. */
function withReadableRecord(event: VectorObject): VectorObject {
  const { record, ...others } = event;
  if (record === undefined || parseReceiverRecord(buildReceiverRecord(record as never)) !== undefined) return event;
  return others;
}

function nullsLeftOut(event: VectorObject): VectorObject {
  return Object.fromEntries(
    Object.entries(event).filter((member): member is [string, VectorValue] => member[1] !== null),
  );
}
