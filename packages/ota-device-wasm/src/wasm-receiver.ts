import {
  buildReceiverRecord,
  type DeviceState,
  type FlashResult,
  fromHex,
  OtaError,
  parseStateReport,
  RECEIVER_TIMING,
  type ReceiverAction,
  type ReceiverEvent,
  type ReceiverOptions,
  type ReceiverStats,
  type ReportedError,
  type StateReport,
  topicsOf,
  utf8,
} from "@tinybms/ota-core";
import { buildKeySetRecord, DEVICE_ALGORITHMS, KEY_ROLES, type TrustedKeys } from "@tinybms/ota-core/signing";
import { DeviceBlock } from "./device-block.ts";
import { ALGORITHMS, BootFlag, DeviceEvent, DROP_REASONS, FLASH_OPERATIONS, NETWORKS, TIMERS } from "./device-enums.ts";
import { DeviceHost, type DeviceKeys } from "./device-host.ts";
import { type Address, type DeviceModule, sharedDeviceModule } from "./device-module.ts";

type EventOf<Type extends ReceiverEvent["type"]> = Extract<ReceiverEvent, { type: Type }>;

/** Bytes of a message that are handed to the machine at once. */
const PIECE_SIZE = 4096;

/** Room for the texts of options and of an event, in bytes. */
const TEXTS_SIZE = 8192;

/** Numbers that `status` writes before those of dropped messages. */
const STATUS_NUMBERS = 7;

/** Count of all numbers that `status` writes. */
const STATUS_SIZE = STATUS_NUMBERS + DROP_REASONS.length;

/** An image id that no release has, for a topic with a malformed one. */
const NO_IMAGE = "0".repeat(32);

/**
 * The device's side of the delivery protocol, as the C code of `components/tinybms_ota` runs it. Takes the same events as
 * `Receiver` of ota-core and returns the same actions.
 *
 * Each machine has memory of its own in one shared WebAssembly instance. Call {@link WasmReceiver.dispose} when it is no
 * longer needed.
 */
export class WasmReceiver {
  readonly #module: DeviceModule;
  readonly #options: ReceiverOptions;
  readonly #topics: MessageTopics;
  readonly #keys: DeviceKeys;
  readonly #host: DeviceHost;
  readonly #context: number;
  readonly #texts: DeviceBlock;
  readonly #scratch: DeviceBlock;
  #memory: DeviceBlock;
  /** Numbers of `status` since the last event. */
  #numbers: Uint32Array | undefined;
  #isDisposed = false;

  /**
   * @param module - @defaultValue the committed module, shared by all machines of the process
   * @throws {@link OtaError} `protocol/topic-invalid` for a topic root or device name that is not valid.
   * @throws {@link OtaError} `signing/key-set-product` for a key set of another product.
   * @throws {@link OtaError} `signing/unsupported-algorithm` for a key set that the device can't use.
   * @throws Error for other options with which a device can't have been provisioned.
   */
  constructor(options: ReceiverOptions, module: DeviceModule = sharedDeviceModule()) {
    this.#module = module;
    this.#topics = messageTopics(options);
    const { keySet } = options;
    if (keySet !== undefined) assertUsable(keySet, options);
    this.#options = options;
    this.#keys = {
      provisioned: keySet === undefined ? undefined : JSON.stringify(keySet.document),
      stored: undefined,
    };
    this.#host = new DeviceHost(this.#module, options.random, this.#keys);
    this.#context = this.#module.addHost(this.#host);
    this.#texts = new DeviceBlock(this.#module, TEXTS_SIZE);
    this.#scratch = new DeviceBlock(this.#module, TEXTS_SIZE);
    this.#memory = this.#init(1);
  }

  /** State of the device, as its reports name it. */
  get state(): DeviceState {
    return this.#module.stateName(this.#status()[0] ?? 0) as DeviceState;
  }

  /** The error in reports. Its message has at most an error number. */
  get error(): ReportedError | undefined {
    return this.#status()[1] === 0 ? undefined : (this.report(true).error as ReportedError | undefined);
  }

  /** Chunks of the image that the slot holds, and chunks of the image; both 0 without a download. */
  get progress(): { readonly received: number; readonly total: number } {
    const [, , received = 0, total = 0] = this.#status();
    return { received, total };
  }

  /** Counters since boot. */
  get stats(): ReceiverStats {
    const numbers = this.#status();
    const [, , , , chunksReceived = 0, chunksUseful = 0, requests = 0] = numbers;
    const counts = DROP_REASONS.map((reason, index) => [reason, numbers[STATUS_NUMBERS + index] ?? 0] as const);
    return {
      chunksReceived,
      chunksUseful,
      requests,
      dropped: Object.fromEntries(counts.filter(([, count]) => count > 0)),
    };
  }

  /**
   * Returns the state report as it would be sent now.
   *
   * @param online - `false` for the connection's will.
   */
  report(online: boolean): StateReport {
    const { exports } = this.#module;
    this.#scratch.clear();
    const out = this.#scratch.take(2048);
    const length = exports.report(this.#machine, online ? 1 : 0, out, 2048);
    return parseStateReport(this.#module.copyOf(out, length));
  }

  /**
   * Takes one event and returns what to do. The first event is `booted`; earlier events are ignored.
   *
   * @returns Actions, in the order in which they must be carried out.
   */
  handle(event: ReceiverEvent): ReceiverAction[] {
    this.#numbers = undefined;
    this.#scratch.clear();
    this.#dispatch(event);
    return this.#host.takeActions();
  }

  /** Frees the machine's memory. No other method may be called after it. */
  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#module.removeHost(this.#context);
    this.#host.free();
    for (const block of [this.#texts, this.#scratch, this.#memory]) block.free();
  }

  #dispatch(event: ReceiverEvent): void {
    switch (event.type) {
      case "booted":
        return this.#boot(event);
      case "connected":
        return this.#handle(DeviceEvent.connected, event.now);
      case "disconnected":
        return this.#handle(DeviceEvent.disconnected, event.now);
      case "cancel":
        return this.#handle(DeviceEvent.cancel, event.now);
      case "timer":
        return this.#handle(DeviceEvent.timer, event.now, TIMERS.indexOf(event.timer));
      case "verified":
        return this.#handle(DeviceEvent.verified, event.now, event.valid ? 1 : 0);
      case "self-test":
        return this.#handle(DeviceEvent.selfTest, event.now, event.passed ? 1 : 0);
      case "network":
        return this.#handle(DeviceEvent.network, event.now, NETWORKS.indexOf(event.status));
      case "may-reboot":
        return this.#handle(DeviceEvent.mayReboot, event.now, event.allowed ? 1 : 0);
      case "clock":
        return this.#clock(event);
      case "flash-done":
        return this.#flashDone(event.result, event.now);
      case "flash-failed":
        return this.#flash(event.now, event.operation, event.espErr);
      default:
        return this.#message(event);
    }
  }

  #boot({
    now,
    running,
    target,
    record,
    keySet,
    bootCount,
    cleanReset,
    rollback,
    secureVersion,
  }: EventOf<"booted">): void {
    this.#memory.free();
    this.#texts.clear();
    if (keySet !== undefined) this.#keys.stored = buildKeySetRecord(keySet);
    this.#memory = this.#init(target?.sizeBytes ?? 1);
    const { exports } = this.#module;
    const flags =
      (running.pendingVerify ? BootFlag.pendingVerify : 0) |
      (cleanReset ? BootFlag.cleanReset : 0) |
      (rollback ? BootFlag.rollback : 0) |
      (target?.condemned === true ? BootFlag.targetCondemned : 0);
    const stored = record === undefined ? undefined : utf8(buildReceiverRecord(record));
    exports.boot(
      this.#machine,
      now,
      this.#texts.putText(running.version),
      this.#texts.putText(running.projectName),
      this.#texts.putText(running.slot),
      running.builtAt === undefined ? 0 : this.#texts.putText(running.builtAt),
      this.#scratch.put(digestOf(running.sha256)),
      flags,
      target?.sizeBytes ?? 0,
      bootCount,
      secureVersion,
      stored === undefined ? 0 : this.#scratch.put(stored),
      stored?.length ?? 0,
    );
  }

  /** Creates a machine for images that fit into a slot. */
  #init(slotSize: number): DeviceBlock {
    const { exports } = this.#module;
    const {
      device,
      topicRoot,
      product,
      chipId,
      allowUnsigned,
      window = 0,
      algorithms = DEVICE_ALGORITHMS,
    } = this.#options;
    const timing = { ...RECEIVER_TIMING, ...this.#options.timing };
    const times = [timing.retryMs, timing.retryMaxMs, timing.stalledAfter, timing.probationMs, timing.reportMs];
    const portSize = (exports.port_size() + 7) & ~7;
    const size = exports.memory_size(slotSize);
    const block = new DeviceBlock(this.#module, size + portSize);
    block.take(size);
    const problem = exports.init(
      block.take(portSize),
      this.#context,
      this.#texts.putText(device),
      this.#texts.putText(topicRoot),
      this.#texts.putText(product),
      chipId,
      ALGORITHMS.reduce((sum, [name, value]) => sum + (algorithms.includes(name) ? value : 0), 0),
      allowUnsigned ? 1 : 0,
      window,
      this.#texts.put(new Uint8Array(Uint32Array.from(times).buffer)),
      block.address,
      size,
    );
    if (problem !== 0) throw new Error(`the device refuses its options: ${this.#module.textAt(problem)}`);
    return block;
  }

  #clock({ now, utc }: EventOf<"clock">): void {
    const isKnown = utc !== undefined && Number.isSafeInteger(utc) && utc >= 0;
    this.#module.exports.handle_clock(this.#machine, now, isKnown ? 1 : 0, isKnown ? utc : 0);
  }

  get #machine(): Address {
    return this.#memory.address;
  }

  #handle(type: number, now: number, value = 0): void {
    this.#module.exports.handle(this.#machine, type, now, value);
  }

  #flashDone(result: FlashResult, now: number): void {
    if (result.operation === "read-flash") {
      const block = new DeviceBlock(this.#module, result.bytes.length + 8);
      this.#flash(now, result.operation, 0, block.put(result.bytes), result.bytes.length);
      block.free();
      return;
    }
    if (result.operation !== "verify-image") return this.#flash(now, result.operation, 0);
    const { storedSha256, image } = result;
    const found = "espErr" in image ? undefined : image;
    this.#module.exports.handle_image(
      this.#machine,
      now,
      this.#scratch.put(digestOf(storedSha256)),
      "espErr" in image ? image.espErr : 0,
      this.#scratch.put(digestOf(found?.sha256 ?? "")),
      found?.chipId ?? 0,
      found?.secureVersion ?? 0,
      this.#scratch.putText(found?.projectName ?? ""),
    );
  }

  #flash(now: number, operation: FlashResult["operation"] | "roll-back", espErr: number, bytes = 0, length = 0): void {
    const number = FLASH_OPERATIONS.indexOf(operation);
    this.#module.exports.handle_flash(this.#machine, now, number, espErr, bytes, length);
  }

  /** Passes a message in pieces, as MQTT clients do. */
  #message(event: EventOf<"chunk" | "hashes" | "key-set" | "offer">): void {
    const { exports } = this.#module;
    const { payload, now } = event;
    const topic = this.#topicOf(event);
    const isRetained = "retained" in event && event.retained ? 1 : 0;
    exports.rx_begin(this.#machine, this.#scratch.put(topic), topic.length, payload.length, isRetained);
    const piece = this.#scratch.take(PIECE_SIZE);
    for (let offset = 0; offset < payload.length; offset += PIECE_SIZE) {
      const bytes = payload.subarray(offset, offset + PIECE_SIZE);
      this.#module.bytes.set(bytes, piece);
      exports.rx_data(this.#machine, offset, piece, bytes.length);
    }
    exports.rx_end(this.#machine, now);
  }

  #topicOf(event: EventOf<"chunk" | "hashes" | "key-set" | "offer">): Uint8Array {
    switch (event.type) {
      case "offer":
        return this.#topics.offer;
      case "key-set":
        return this.#topics.keySet;
      case "chunk":
        return this.#topics.chunk;
      case "hashes":
        return this.#topics.hashes(/^[0-9a-f]{32}$/.test(event.image) ? event.image : NO_IMAGE);
    }
  }

  /** Returns the numbers of `status`. Asks the module once after each event, because worlds look at every step. */
  #status(): Uint32Array {
    if (this.#numbers !== undefined) return this.#numbers;
    this.#scratch.clear();
    const out = this.#scratch.take(4 * STATUS_SIZE);
    this.#module.exports.status(this.#machine, out);
    this.#numbers = new Uint32Array(this.#module.bytes.buffer, out, STATUS_SIZE).slice();
    return this.#numbers;
  }
}

/** Topics on which messages reach a machine, in UTF-8. */
interface MessageTopics {
  readonly offer: Uint8Array;
  readonly keySet: Uint8Array;
  readonly chunk: Uint8Array;
  hashes(image: string): Uint8Array;
}

/** Returns the topics of a device. The machine treats offers of both topics alike, and chunks of both, too. */
function messageTopics({ topicRoot, device }: ReceiverOptions): MessageTopics {
  const topics = topicsOf(topicRoot);
  return {
    offer: utf8(topics.offer),
    keySet: utf8(topics.keys(1)),
    chunk: utf8(topics.deviceChunk(device)),
    hashes: (image) => utf8(topics.hashes(image)),
  };
}

/** Throws an error with the protocol's code for a fault that the C code only describes as text. */
function assertUsable({ document }: TrustedKeys, { product, algorithms = DEVICE_ALGORITHMS }: ReceiverOptions): void {
  const found = document.product;
  if (found !== product) {
    const message = `the key set is for ${JSON.stringify(found)}; this device is ${JSON.stringify(product)}`;
    throw new OtaError("signing/key-set-product", message, { expected: product, found });
  }
  for (const role of KEY_ROLES) {
    const { keyids, threshold } = document.roles[role];
    const usable = keyids.filter((keyid) => algorithms.some((name) => name === document.records[keyid]?.alg));
    if (usable.length >= threshold) continue;
    const message = `role ${role} of the key set needs ${threshold} signatures; this device can verify ${usable.length}`;
    throw new OtaError("signing/unsupported-algorithm", message, { kind: "keys", role });
  }
}

/** Returns the 32 bytes of a SHA-256; zeros for a text that is not one. */
function digestOf(digits: string): Uint8Array {
  const bytes = fromHex(digits);
  return bytes?.length === 32 ? bytes : new Uint8Array(32);
}
