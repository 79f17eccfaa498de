import { buildChunk, buildHashList, chunkCountOf, sha256, toHex } from "@tinybms/ota-core";
import { carryOutVerify } from "@tinybms/ota-core/signing";
import { buildAppImage } from "../../ota-core/src/image/build-app-image.ts";
import { buildKeySetRecord, parseKeySetRecord } from "../../ota-core/src/receiver/key-set-record.ts";
import { Receiver } from "../../ota-core/src/receiver/receiver.ts";
import type {
  FlashResult,
  NetworkStatus,
  ReceiverAction,
  ReceiverEvent,
} from "../../ota-core/src/receiver/receiver-events.ts";
import type { ReceiverOptions } from "../../ota-core/src/receiver/receiver-options.ts";
import { buildReceiverRecord, parseReceiverRecord } from "../../ota-core/src/receiver/receiver-record.ts";
import { imageIdOfBytes, PRODUCT, TOPIC_ROOT } from "../../ota-core/test/bench-offer.ts";
import { type DeviceModule, WasmReceiver } from "../src/index.ts";

/** A step of a script. Numbers choose among what is there. */
export type ScriptStep =
  | { readonly type: "connected" | "disconnected" | "cancel" }
  | { readonly type: "answer-verify" | "lie-verify" | "answer-flash" }
  | { readonly type: "fail-flash"; readonly espErr: number }
  | { readonly type: "wrong-flash"; readonly operation: number }
  | { readonly type: "self-test"; readonly passed: boolean }
  | { readonly type: "may-reboot"; readonly allowed: boolean }
  | { readonly type: "network"; readonly status: NetworkStatus }
  | { readonly type: "clock"; readonly utc: number | undefined }
  | { readonly type: "timer" | "any-timer"; readonly index: number }
  | { readonly type: "wait"; readonly ms: number }
  | { readonly type: "offer" | "key-set"; readonly index: number; readonly retained: boolean }
  | { readonly type: "hashes"; readonly index: number }
  | { readonly type: "chunk"; readonly index: number; readonly fault: number }
  | { readonly type: "restart"; readonly clean: boolean; readonly pending: boolean; readonly keepsKeys: boolean };

const TIMERS = ["request", "probation", "report", "verify", "install"] as const;

const OPERATIONS = ["erase-sector", "program", "invalidate-otadata", "set-boot-partition", "mark-valid"] as const;

/** Images of three and five chunks, the last one not full. */
export const RUNNING: Uint8Array = imageOf(1, 8_000);
export const IMAGES: readonly Uint8Array[] = [imageOf(2, 10_000), imageOf(3, 17_000)];

function imageOf(seed: number, sizeBytes: number): Uint8Array {
  return buildAppImage({ chip: "esp32", version: `${seed}.0.0`, projectName: "bench", sizeBytes, seed });
}

const VERDICTS = new Map<string, boolean>();

/** Feeds the same events to both machines, and answers them as one device would. */
export class DifferentialWorld {
  readonly #options: Omit<ReceiverOptions, "random">;
  readonly #messages: { readonly offers: readonly Uint8Array[]; readonly keySets: readonly Uint8Array[] };
  readonly #slotSize: number;
  readonly #module: DeviceModule | undefined;
  #reference: Receiver;
  #device: WasmReceiver;
  #now = 0;
  #slots: [Uint8Array, Uint8Array];
  #runningSlot: 0 | 1 = 0;
  #bootSlot: 0 | 1 = 0;
  #condemned = false;
  #record: string | undefined;
  #keySet: string | undefined;
  #bootCount = 0;
  #flash: ReceiverAction | undefined;
  #verify: Extract<ReceiverAction, { type: "verify" }> | undefined;
  #timers: Map<string, number> = new Map();
  #log: string[] = [];

  constructor(
    options: Omit<ReceiverOptions, "device" | "product" | "random" | "topicRoot">,
    messages: { readonly offers: readonly Uint8Array[]; readonly keySets: readonly Uint8Array[] },
    slotSize: number,
    module?: DeviceModule,
  ) {
    this.#module = module;
    this.#options = { device: "bench-1", topicRoot: TOPIC_ROOT, product: PRODUCT, ...options };
    this.#messages = messages;
    this.#slotSize = slotSize;
    const [first, second] = [new Uint8Array(slotSize).fill(0xff), new Uint8Array(slotSize).fill(0xff)];
    first.set(RUNNING);
    this.#slots = [first, second];
    [this.#reference, this.#device] = this.#machines();
    this.#boot(true, false);
  }

  /** Events so far, for a failure's message. */
  get log(): string {
    return this.#log.join("\n");
  }

  dispose(): void {
    this.#device.dispose();
  }

  /** @throws Error if the machines differ. */
  run(step: ScriptStep): void {
    const now = this.#now;
    switch (step.type) {
      case "connected":
      case "disconnected":
      case "cancel":
        return this.#feed({ type: step.type, now });
      case "wait":
        this.#now += step.ms;
        return;
      case "self-test":
        return this.#feed({ type: "self-test", passed: step.passed, now });
      case "may-reboot":
      case "network":
      case "clock":
        return this.#feed({ ...step, now });
      case "any-timer":
        return this.#feed({ type: "timer", timer: TIMERS[step.index % TIMERS.length]!, now });
      case "timer":
        return this.#fireTimer(step.index);
      case "offer":
      case "key-set": {
        const pool = step.type === "offer" ? this.#messages.offers : this.#messages.keySets;
        return this.#feed({ type: step.type, payload: pool[step.index % pool.length]!, retained: step.retained, now });
      }
      case "hashes":
        return this.#feed({ type: "hashes", ...this.#hashes(step.index), now });
      case "chunk":
        return this.#feed({ type: "chunk", payload: this.#chunk(step.index, step.fault), now });
      case "restart":
        return this.#restart(step);
      default:
        return this.#answer(step);
    }
  }

  #machines(): [Receiver, WasmReceiver] {
    return [
      new Receiver({ ...this.#options, random: randomOf() }),
      new WasmReceiver({ ...this.#options, random: randomOf() }, this.#module),
    ];
  }

  get #target(): Uint8Array {
    return this.#slots[this.#runningSlot === 0 ? 1 : 0];
  }

  #boot(cleanReset: boolean, pendingVerify: boolean): void {
    this.#bootCount++;
    this.#flash = this.#verify = undefined;
    this.#timers.clear();
    const image = this.#imageIn(this.#slots[this.#runningSlot]);
    this.#feed({
      type: "booted",
      now: this.#now,
      running: {
        version: "1.0.0",
        projectName: "bench",
        slot: `ota_${this.#runningSlot}`,
        sha256: toHex(sha256(image ?? RUNNING)),
        pendingVerify,
      },
      target: { slot: `ota_${1 - this.#runningSlot}`, sizeBytes: this.#slotSize, condemned: this.#condemned },
      record: this.#record === undefined ? undefined : parseReceiverRecord(this.#record),
      keySet: this.#keySet === undefined ? undefined : parseKeySetRecord(this.#keySet),
      bootCount: this.#bootCount,
      cleanReset,
      rollback: true,
      secureVersion: 0,
    });
  }

  #restart({ clean, pending, keepsKeys }: Extract<ScriptStep, { type: "restart" }>): void {
    this.#device.dispose();
    const isSwitched = this.#bootSlot !== this.#runningSlot;
    this.#runningSlot = this.#bootSlot;
    if (!keepsKeys) this.#keySet = undefined;
    [this.#reference, this.#device] = this.#machines();
    this.#boot(clean, isSwitched && pending);
  }

  #feed(event: ReceiverEvent): void {
    this.#log.push(
      JSON.stringify(event, (_key, value) => (value instanceof Uint8Array ? `${value.length} bytes` : value)),
    );
    const expected = this.#reference.handle(event);
    const actual = this.#device.handle(event);
    assertSame(actual.map(comparable), expected.map(comparable), "actions");
    assertSame(this.#device.state, this.#reference.state, "state");
    assertSame(comparableReport(this.#device.report(false)), comparableReport(this.#reference.report(false)), "report");
    assertSame(this.#device.stats, this.#reference.stats, "stats");
    assertSame(this.#device.progress, this.#reference.progress, "progress");
    for (const action of expected) {
      if (action.type === "set-timer") assertSame(Math.max(action.at, event.now), action.at, "time of a timer");
      this.#carryOut(action);
    }
  }

  #carryOut(action: ReceiverAction): void {
    switch (action.type) {
      case "store":
        this.#record = buildReceiverRecord(action.record);
        return;
      case "store-key-set":
        this.#keySet = buildKeySetRecord(action.keySet);
        return;
      case "set-timer":
        this.#timers.set(action.timer, action.at);
        return;
      case "clear-timer":
        this.#timers.delete(action.timer);
        return;
      case "verify":
        this.#verify = action;
        return;
      case "publish":
      case "renew-will":
      case "subscribe":
      case "unsubscribe":
      case "reboot":
        return;
      default:
        this.#flash = action;
    }
  }

  #fireTimer(index: number): void {
    const names = [...this.#timers.keys()];
    const name = names[index % names.length];
    if (name === undefined) return;
    this.#now = Math.max(this.#now, this.#timers.get(name) ?? 0);
    this.#timers.delete(name);
    this.#feed({ type: "timer", timer: name as (typeof TIMERS)[number], now: this.#now });
  }

  #answer(
    step: Extract<ScriptStep, { type: "answer-flash" | "answer-verify" | "fail-flash" | "lie-verify" | "wrong-flash" }>,
  ): void {
    const now = this.#now;
    if (step.type === "wrong-flash") {
      const operation = OPERATIONS[step.operation % OPERATIONS.length]!;
      return this.#feed({ type: "flash-done", result: { operation }, now });
    }
    if (step.type === "answer-verify" || step.type === "lie-verify") {
      const question = this.#verify;
      if (question === undefined) return;
      this.#verify = undefined;
      return this.#feed({ type: "verified", valid: step.type === "lie-verify" ? false : isValid(question), now });
    }
    const request = this.#flash;
    if (request === undefined) return;
    this.#flash = undefined;
    const operation = request.type as FlashResult["operation"] | "roll-back";
    if (step.type === "fail-flash" || operation === "roll-back") {
      return this.#feed({
        type: "flash-failed",
        operation,
        espErr: step.type === "fail-flash" ? step.espErr : 0x105,
        now,
      });
    }
    this.#feed({ type: "flash-done", result: this.#perform(request), now });
  }

  #perform(request: ReceiverAction): FlashResult {
    switch (request.type) {
      case "read-flash":
        return { operation: "read-flash", bytes: this.#target.slice(request.offset, request.offset + request.length) };
      case "erase-sector":
        this.#target.fill(0xff, request.offset, request.offset + 4096);
        return { operation: "erase-sector" };
      case "program":
        this.#target.set(request.bytes, request.offset);
        return { operation: "program" };
      case "verify-image": {
        const storedSha256 = toHex(sha256(this.#target.subarray(0, request.length)));
        const image = this.#imageIn(this.#target);
        const found = { sha256: toHex(sha256(image ?? RUNNING)), chipId: 0, secureVersion: 0, projectName: "bench" };
        return { operation: "verify-image", storedSha256, image: image === undefined ? { espErr: 0x1503 } : found };
      }
      case "set-boot-partition":
        this.#bootSlot = this.#runningSlot === 0 ? 1 : 0;
        return { operation: "set-boot-partition" };
      case "invalidate-otadata":
        this.#condemned = false;
        return { operation: "invalidate-otadata" };
      default:
        return { operation: "mark-valid" };
    }
  }

  #imageIn(slot: Uint8Array): Uint8Array | undefined {
    return [RUNNING, ...IMAGES].find((image) => image.every((byte, index) => slot[index] === byte));
  }

  #hashes(index: number): { readonly image: string; readonly payload: Uint8Array } {
    const image = IMAGES[index % 2]!;
    const list = buildHashList(image);
    const fault = Math.floor(index / 2) % 6;
    if (fault === 1) list[3]! ^= 1;
    return { image: imageIdOfBytes(image), payload: fault === 2 ? list.subarray(1) : list };
  }

  #chunk(index: number, fault: number): Uint8Array {
    const image = IMAGES[index % 2]!;
    const position = Math.floor(index / 2) % (chunkCountOf(image.length) + 1);
    const start = Math.min(position * 4096, image.length - 1);
    const bytes = image.slice(start, start + 4096);
    if (fault === 1) bytes[0]! ^= 1;
    const message = buildChunk({ image: imageIdOfBytes(image), index: position, bytes });
    if (fault === 2) return message.subarray(0, 19);
    if (fault === 3) message[3] = 1;
    if (fault === 4) message[18] = 1;
    return message;
  }
}

/** Both machines draw the same numbers. */
function randomOf(): () => number {
  let state = 12345;
  return () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
}

function isValid(question: Extract<ReceiverAction, { type: "verify" }>): boolean {
  const name = [question.kind, toHex(question.spki), toHex(question.payload), toHex(question.signature)].join();
  const known = VERDICTS.get(name);
  if (known !== undefined) return known;
  const valid = carryOutVerify(question);
  VERDICTS.set(name, valid);
  return valid;
}

/** An action with what may differ left out: texts of error messages, and the order of members in JSON. */
function comparable(action: ReceiverAction): unknown {
  if (action.type !== "publish") return action;
  return { ...action, payload: comparableReport(JSON.parse(new TextDecoder().decode(action.payload))) };
}

function comparableReport(report: object): unknown {
  if (!("error" in report)) return report;
  const { message: _, ...error } = report.error as { readonly message: string };
  return { ...report, error };
}

function assertSame(actual: unknown, expected: unknown, what: string): void {
  const [left, right] = [sorted(actual), sorted(expected)];
  if (left !== right) throw new Error(`${what} differ\n  C:          ${left}\n  TypeScript: ${right}`);
}

/** JSON with sorted members, and bytes as hexadecimal digits. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_, member) => {
    if (member instanceof Uint8Array) return toHex(member);
    if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(Object.entries(member).sort(([left], [right]) => (left < right ? -1 : 1)));
  });
}
