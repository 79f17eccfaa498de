/** Writes a conformance vector by driving the TypeScript receiver. */
import {
  buildChunk,
  buildHashList,
  imageIdOf,
  Receiver,
  sha256,
  type Topics,
  toHex,
  topicsOf,
} from "@tinybms/ota-core";
import { MachineReceiver } from "../../firmware-sim/src/conformance/machine-receiver.ts";
import {
  isObject,
  type Vector,
  type VectorHeader,
  type VectorObject,
} from "../../firmware-sim/src/conformance/vector.ts";
import { vectorImage } from "../../firmware-sim/src/conformance/vector-image.ts";

export const DEVICE = "bench-1";
export const TOPIC_ROOT = "bench/ota";
export const PRODUCT = "Bench Product";

/** What differs from the usual device of a vector. */
export interface ScriptOptions {
  readonly rule: string;
  readonly size?: number;
  readonly permille?: readonly number[];
  readonly keySet?: VectorObject | null;
  readonly algorithms?: readonly string[];
  readonly window?: number;
  readonly allowUnsigned?: boolean;
}

/** What differs from the usual boot. */
export interface BootOptions {
  readonly condemned?: boolean;
  readonly cleanReset?: boolean;
  readonly pendingVerify?: boolean;
  readonly runsNewImage?: boolean;
  readonly rollback?: boolean;
  readonly target?: VectorObject | null;
  readonly builtAt?: string;
  readonly secureVersion?: number;
  readonly version?: string;
}

/** The image that runs before an update: only its hash matters. */
export const OLD_SHA256 = toHex(sha256(new TextEncoder().encode("the image before")));

/** A vector in the making: events are fed, and the receiver's actions recorded. */
export class VectorScript {
  readonly header: VectorHeader;
  readonly image: Uint8Array;
  readonly imageId: string;
  readonly imageSha256: string;
  readonly topics: Topics = topicsOf(TOPIC_ROOT);
  readonly #steps: { event: VectorObject; actions: readonly VectorObject[] }[] = [];
  readonly #receiver = new MachineReceiver((options) => new Receiver(options));
  readonly #begun: Promise<void>;
  /** The target slot, and what the device stored. */
  readonly slot: Uint8Array;
  record: VectorObject | null = null;
  keySet: VectorObject | null = null;
  bootCount = 0;
  now = 0;
  /** Actions that no event has answered yet. */
  readonly #open: VectorObject[] = [];

  constructor(name: string, options: ScriptOptions) {
    const { rule, size = 9_000, permille = [0], keySet = null, window = 0, allowUnsigned = keySet === null } = options;
    const { algorithms = ["ecdsa-p256-sha256", "rsa-pkcs1v15-sha256"] } = options;
    this.header = {
      ...{ vector: 1, name, rule },
      device: {
        ...{ device: DEVICE, topic_root: TOPIC_ROOT, product: PRODUCT, chip_id: 0, allow_unsigned: allowUnsigned },
        ...{ algorithms, window, key_set: keySet },
      },
      random_permille: permille,
      image: { size, seed: 1 },
    };
    this.image = vectorImage(size, 1);
    this.imageSha256 = toHex(sha256(this.image));
    this.imageId = imageIdOf(this.imageSha256);
    this.slot = new Uint8Array(Math.ceil(size / 4096) * 4096 + 8192).fill(0xff);
    this.#begun = this.#receiver.begin(this.header);
  }

  get vector(): Vector {
    return { header: this.header, steps: this.#steps };
  }

  get hashList(): Uint8Array {
    return buildHashList(this.image);
  }

  /** Returns the message of a chunk. */
  chunkMessage(index: number): Uint8Array {
    return buildChunk({ image: this.imageId, index, bytes: this.image.subarray(index * 4096, (index + 1) * 4096) });
  }

  /** Feeds one event, and answers nothing. @returns The actions. */
  async feed(event: { readonly type: string } & VectorObject): Promise<readonly VectorObject[]> {
    await this.#begun;
    const timed: VectorObject = { ...event, now: this.now };
    const actions = await this.#receiver.handle(timed);
    this.#steps.push({ event: timed, actions });
    for (const action of actions) this.#note(action);
    return actions;
  }

  /** Feeds one event, then answers flash operations and verifications until none is open. */
  async run(event: { readonly type: string } & VectorObject, answers: Answers = {}): Promise<readonly VectorObject[]> {
    const all = [...(await this.feed(event))];
    if (answers.hold === true) return all;
    for (let answer = this.#answer(answers); answer !== undefined; answer = this.#answer(answers)) {
      all.push(...(await this.feed(answer)));
    }
    return all;
  }

  /** Starts the device. */
  async boot(options: BootOptions = {}, answers: Answers = {}): Promise<readonly VectorObject[]> {
    const {
      condemned = false,
      cleanReset = true,
      pendingVerify = false,
      runsNewImage = false,
      rollback = true,
    } = options;
    const { builtAt, secureVersion = 0, version = runsNewImage ? "1.1.0" : "1.0.0" } = options;
    const slot = runsNewImage ? "ota_1" : "ota_0";
    const other = runsNewImage ? "ota_0" : "ota_1";
    const { target = { slot: other, size_bytes: this.slot.length, condemned } } = options;
    this.bootCount++;
    this.#open.length = 0;
    return this.run(
      {
        type: "booted",
        running: {
          ...{ version, project_name: "bench", slot },
          ...(builtAt === undefined ? {} : { built_at: builtAt }),
          sha256: runsNewImage ? this.imageSha256 : OLD_SHA256,
          pending_verify: pendingVerify,
        },
        ...(target === null ? {} : { target }),
        ...(this.record === null ? {} : { record: this.record }),
        ...(this.keySet === null ? {} : { key_set: this.keySet }),
        ...{ boot_count: this.bootCount, clean_reset: cleanReset, rollback, secure_version: secureVersion },
      },
      answers,
    );
  }

  message(
    topic: string,
    payload: VectorObject,
    { retained = true, answers = {} as Answers } = {},
  ): Promise<readonly VectorObject[]> {
    return this.run({ type: "message", topic, retained, payload }, answers);
  }

  offer(
    envelope: Uint8Array,
    options: { readonly retained?: boolean; readonly answers?: Answers } = {},
  ): Promise<readonly VectorObject[]> {
    return this.message(this.topics.offer, textOf(envelope), options);
  }

  chunk(index: number, answers: Answers = {}): Promise<readonly VectorObject[]> {
    return this.message(this.topics.imageChunk(this.imageId), { chunk: index }, { retained: false, answers });
  }

  hashes(): Promise<readonly VectorObject[]> {
    return this.message(this.topics.hashes(this.imageId), { hash_list: true });
  }

  /** All chunks, chunk 0 last, and what follows from the last. */
  async chunks(answers: Answers = {}): Promise<readonly VectorObject[]> {
    const count = Math.ceil(this.image.length / 4096);
    for (let index = 1; index < count; index++) await this.chunk(index);
    return this.chunk(0, answers);
  }

  /** Lets a timer run out that the device set. */
  async timer(timer: string, at: number): Promise<readonly VectorObject[]> {
    this.now = at;
    return this.run({ type: "timer", timer });
  }

  #note(action: VectorObject): void {
    if (action.type === "store" && isObject(action.record)) this.record = action.record;
    if (action.type === "store-key-set" && isObject(action.key_set)) this.keySet = action.key_set;
    if (ANSWERED.includes(String(action.type))) this.#open.push(action);
  }

  #answer(answers: Answers): ({ readonly type: string } & VectorObject) | undefined {
    const action = this.#open.shift();
    if (action === undefined) return undefined;
    const type = String(action.type);
    const fault = answers.fail?.[type];
    if (fault !== undefined) return { type: "flash-failed", operation: type, esp_err: fault };
    if (type === "verify") return { type: "verified", valid: answers.valid?.shift() ?? true };
    return { type: "flash-done", result: { operation: type, ...this.#carryOut(type, action, answers) } };
  }

  #carryOut(type: string, action: VectorObject, answers: Answers): VectorObject {
    const offset = Number(action.offset);
    switch (type) {
      case "read-flash": {
        const bytes = this.slot.slice(offset, offset + Number(action.length));
        return { bytes: this.#bytes(bytes, offset) };
      }
      case "erase-sector":
        this.slot.fill(0xff, offset, offset + 4096);
        return {};
      case "program": {
        const bytes = this.image.subarray(offset, Math.min(offset + 4096, this.image.length));
        this.slot.set(bytes, offset);
        return {};
      }
      case "verify-image": {
        const storedSha256 = answers.storedSha256 ?? toHex(sha256(this.slot.subarray(0, Number(action.length))));
        if (answers.refusedByDevice !== undefined) {
          return { stored_sha256: storedSha256, image: { esp_err: answers.refusedByDevice } };
        }
        const image = { sha256: this.imageSha256, chip_id: 0, secure_version: 0, project_name: "bench" };
        return { stored_sha256: storedSha256, image: { ...image, ...answers.image } };
      }
      default:
        return {};
    }
  }

  /** Bytes of the slot, as a part of the image where they are. */
  #bytes(bytes: Uint8Array, offset: number): VectorObject {
    const part = this.image.subarray(offset, offset + bytes.length);
    if (Buffer.compare(part, bytes) === 0) return { image: [offset, bytes.length] };
    if (bytes.every((byte) => byte === bytes[0])) return { fill: bytes[0] ?? 0xff, length: bytes.length };
    return { b64: Buffer.from(bytes).toString("base64") };
  }
}

/** How requests of the device are answered; by default each succeeds. */
export interface Answers {
  /** Requests stay open. */
  readonly hold?: boolean;
  /** `esp_err_t` of operations that fail. */
  readonly fail?: Readonly<Record<string, number>>;
  /** Answers to verifications in turn; then `true`. */
  readonly valid?: boolean[];
  /** SHA-256 that `verify-image` finds. */
  readonly storedSha256?: string;
  /** `esp_err_t` of `esp_image_verify`. */
  readonly refusedByDevice?: number;
  /** What differs in the image that `verify-image` finds. */
  readonly image?: VectorObject;
}

const ANSWERED: readonly string[] = [
  "read-flash",
  "erase-sector",
  "program",
  "verify-image",
  "invalidate-otadata",
  "set-boot-partition",
  "mark-valid",
  "verify",
];

/** An envelope as the text that it is. */
export function textOf(bytes: Uint8Array): VectorObject {
  return { text: Buffer.from(bytes).toString("utf8") };
}
