import {
  type DeviceState,
  messageEvent,
  type ReceiverAction,
  type ReceiverEvent,
  type ReceiverStats,
  type ReceiverTimer,
  type ReceiverTiming,
  type ReportedError,
  type RunningImage,
  type StateReport,
} from "@tinybms/ota-core";
import { carryOutVerify, type SignatureVerifier, type TrustedKeys } from "@tinybms/ota-core/signing";
import type { VerifiedImage } from "../boot/image-verification.ts";
import { EspErr } from "../esp-err/esp-err.ts";
import type { AppContext } from "../esp-idf/app-context.ts";
import { esp_ota_mark_app_invalid_rollback_and_reboot } from "../esp-idf/esp-ota-rollback.ts";
import { sha256OfContent } from "../flash/sector-store.ts";
import { type AgentImplementation, type AgentReceiver, createAgentReceiver } from "./agent-receiver.ts";
import { type AgentStorage, openAgentStorage } from "./agent-storage.ts";
import {
  deselectTarget,
  findUpdateTarget,
  isRunningPending,
  isRunningRecorded,
  isRunningSelected,
  recordRunningAnew,
  repairBootSelection,
  type UpdateTarget,
} from "./boot-selection-repair.ts";
import { carryOutFlashAction, type FlashAction } from "./flash-operation.ts";
import { readRunningImage } from "./running-image.ts";
import { type SelfTestRule, selfTestOutcome } from "./self-test.ts";

/** Build options and provisioning of a device's firmware. */
export interface AgentOptions {
  /** The device's name in topics. */
  readonly device: string;
  /** The channel's `topic` (see `docs/protocol.md`). */
  readonly topicRoot: string;
  readonly product: string;
  /** Whether it accepts unsigned offers as long as it has no key set. */
  readonly allowUnsigned: boolean;
  /** Key set that it was provisioned with. NVS may have a later one. */
  readonly keySet?: TrustedKeys | undefined;
  /** Whether NVS holds the device's identity and so must never be erased. @defaultValue `false` */
  readonly isProvisioned?: boolean | undefined;
  /** Verifies signatures. @defaultValue `verifySignature` */
  readonly verify?: SignatureVerifier | undefined;
  /** Returns random numbers in [0, 1). */
  readonly random: () => number;
  /** Results of the self-test, by image. */
  readonly selfTests: readonly SelfTestRule[];
  /** Duration of the self-test after the connection to the broker, in milliseconds. */
  readonly selfTestMs: number;
  readonly timing?: Partial<ReceiverTiming> | undefined;
  /** Number of chunks that it can buffer; 0 means no limit. @defaultValue 0 */
  readonly window?: number | undefined;
  /**
   * Implementation of the receiver.
   *
   * @defaultValue `ts`
   */
  readonly agent?: AgentImplementation | undefined;
}

/** Circumstances of a start. */
export interface AgentStart {
  readonly now: number;
  /** Image that the bootloader loaded. */
  readonly image: VerifiedImage;
  /** Whether software requested the reset. */
  readonly cleanReset: boolean;
  /** Whether new images start on probation by the bootloader. */
  readonly rollback: boolean;
}

/** Timers of the agent. */
export type AgentTimer =
  | ReceiverTimer
  /** The self-test ends. */
  | "self-test";

/** A message from the broker. */
export interface AgentMessage {
  readonly type: "message";
  readonly now: number;
  readonly topic: string;
  readonly payload: Uint8Array;
  /** The RETAIN flag of its PUBLISH: the broker sends it because of a subscription. */
  readonly retained: boolean;
}

/** Events for the agent. `now` is in milliseconds on a monotonic clock; the receiver gets it rounded to an integer. */
export type AgentEvent =
  | { readonly type: "connected"; readonly now: number }
  | { readonly type: "disconnected"; readonly now: number }
  | AgentMessage
  | { readonly type: "timer"; readonly now: number; readonly timer: AgentTimer }
  | Extract<ReceiverEvent, { readonly type: "cancel" | "clock" | "may-reboot" | "network" }>;

/** Actions that the agent requests, in order. */
export type AgentAction =
  | Extract<ReceiverAction, { readonly type: "publish" | "subscribe" | "unsubscribe" | "reboot" | "renew-will" }>
  | { readonly type: "set-timer"; readonly timer: AgentTimer; readonly at: number }
  | { readonly type: "clear-timer"; readonly timer: AgentTimer };

/**
 * The OTA agent of a firmware: a receiver ({@link AgentReceiver}) whose flash operations are `esp_partition_…` and
 * `esp_ota_…` calls and whose record is in NVS. Exists from a start of the app to the next reset.
 *
 * Must not be used after a `reboot` action.
 */
export class OtaAgent {
  readonly #app: AppContext;
  readonly #options: AgentOptions;
  readonly #receiver: AgentReceiver;
  readonly #storage: AgentStorage;
  readonly #target: UpdateTarget | undefined;
  readonly #running: RunningImage;
  readonly #bootedEvent: ReceiverEvent;
  readonly #isResetClean: boolean;
  #isSelfTestBegun = false;
  #isRecordLost = false;

  /**
   * Starts the app: opens NVS, reads its own image in flash, and repairs otadata after a fallback of the bootloader.
   *
   * @throws {@link PowerCut} if the flash loses power; {@link EspAbort} if the device would abort.
   */
  constructor(app: AppContext, options: AgentOptions, start: AgentStart) {
    this.#app = app;
    this.#options = options;
    this.#isResetClean = start.cleanReset;
    this.#target = findUpdateTarget(app);
    this.#storage = openAgentStorage(app, options.isProvisioned !== true);
    const running = readRunningImage(app, start.image);
    repairBootSelection(app, this.#storage.record?.attempt?.image === running.sha256);
    this.#running = { ...running, pendingVerify: isRunningPending(app) };
    this.#bootedEvent = {
      type: "booted",
      now: Math.floor(start.now),
      running: this.#running,
      target: this.#target?.slot,
      record: this.#storage.record,
      keySet: this.#storage.keySet,
      bootCount: this.#storage.bootCount,
      cleanReset: start.cleanReset,
      rollback: start.rollback,
      secureVersion: app.efuse.secureVersion,
    };
    // Last, because after a power cut in a step above nothing would dispose it.
    const { device, topicRoot, product, allowUnsigned, keySet, random, timing, window } = options;
    this.#receiver = createAgentReceiver(options.agent ?? "ts", {
      device,
      topicRoot,
      product,
      chipId: app.chip.id,
      allowUnsigned,
      keySet,
      random,
      timing,
      window,
      sha256: sha256OfContent,
    });
  }

  /** Passes the start to the receiver. Must be called once, before {@link handle}. */
  begin(): AgentAction[] {
    return this.#run(this.#bootedEvent);
  }

  handle(event: AgentEvent): AgentAction[] {
    const translated = this.#toReceiverEvent(event);
    if (translated === undefined) return [];
    const actions = this.#run(translated);
    if (event.type === "connected") this.#beginSelfTest(event.now, actions);
    return actions;
  }

  /** Frees the receiver's memory. The agent must not be used after it. */
  dispose(): void {
    this.#receiver.dispose?.();
  }

  get state(): DeviceState {
    return this.#receiver.state;
  }

  /** Error in the device's reports, if any. */
  get error(): ReportedError | undefined {
    return this.#receiver.error;
  }

  /** Number of chunks of the current image, and how many of them are in flash. */
  get progress(): { readonly received: number; readonly total: number } {
    return this.#receiver.progress;
  }

  get stats(): ReceiverStats {
    return this.#receiver.stats;
  }

  get running(): RunningImage {
    return this.#running;
  }

  get bootCount(): number {
    return this.#storage.bootCount;
  }

  /** Returns the current state report. If `online` is `false`, it is the connection's will. */
  report(online: boolean): StateReport {
    return this.#receiver.report(online);
  }

  #toReceiverEvent(event: AgentEvent): ReceiverEvent | undefined {
    const translated = this.#translate(event);
    return translated === undefined ? undefined : { ...translated, now: Math.floor(translated.now) };
  }

  #translate(event: AgentEvent): ReceiverEvent | undefined {
    if (event.type === "message") return messageEvent(this.#options, event);
    if (event.type !== "timer") return event;
    const { now, timer } = event;
    if (timer !== "self-test") return { type: "timer", now, timer };
    const outcome = selfTestOutcome(this.#options.selfTests, this.#running);
    return outcome === "hang" ? undefined : { type: "self-test", now, passed: outcome === "pass" };
  }

  /** The self-test includes reaching the broker, so it begins with the connection. */
  #beginSelfTest(now: number, actions: AgentAction[]): void {
    if (this.#isSelfTestBegun || this.#receiver.state !== "pending-verify") return;
    this.#isSelfTestBegun = true;
    actions.push({ type: "set-timer", timer: "self-test", at: now + this.#options.selfTestMs });
  }

  /** Runs the receiver until it requests no more flash operations. Stops at a reboot. */
  #run(event: ReceiverEvent): AgentAction[] {
    const { now } = event;
    const wanted: AgentAction[] = [];
    const pending = [...this.#receiver.handle(event)];
    for (let index = 0; index < pending.length; index++) {
      const action = pending[index];
      if (action === undefined) break;
      switch (action.type) {
        case "publish":
        case "subscribe":
        case "unsubscribe":
        case "set-timer":
        case "clear-timer":
        case "renew-will":
          wanted.push(action);
          break;
        case "verify": {
          const valid = carryOutVerify(action, this.#options.verify);
          pending.push(...this.#receiver.handle({ type: "verified", now, valid }));
          break;
        }
        case "store":
          this.#isRecordLost = this.#storage.store(action.record) !== EspErr.ESP_OK;
          break;
        case "store-key-set":
          this.#storage.storeKeySet(action.keySet);
          break;
        case "reboot":
          wanted.push(action);
          return wanted;
        case "roll-back": {
          const { err, restart } = this.#rollBack();
          if (restart) return [...wanted, { type: "reboot" }];
          pending.push(...this.#receiver.handle({ type: "flash-failed", now, operation: action.type, espErr: err }));
          break;
        }
        default:
          pending.push(...this.#receiver.handle(this.#answerFlash(now, action)));
      }
    }
    return wanted;
  }

  #answerFlash(now: number, action: FlashAction): ReceiverEvent {
    const espErr = this.#prepareTarget(action);
    if (espErr !== EspErr.ESP_OK) return { type: "flash-failed", now, operation: action.type, espErr };
    const answer = carryOutFlashAction(this.#app, this.#target?.partition, action);
    return answer.ok
      ? { type: "flash-done", now, result: answer.result }
      : { type: "flash-failed", now, operation: action.type, espErr: answer.espErr };
  }

  /**
   * Makes otadata select another slot before an action changes this one.
   * @returns ESP_OK, or the error that forbids the action.
   */
  #prepareTarget(action: FlashAction): number {
    const isOverwritten = action.type === "erase-sector" && action.offset === 0;
    const isSelected = action.type === "set-boot-partition";
    const target = this.#target?.partition;
    if (target === undefined || !(isOverwritten || isSelected)) return EspErr.ESP_OK;
    const espErr = deselectTarget(this.#app, target);
    return espErr === EspErr.ESP_OK && isSelected ? this.#prepareSwitch() : espErr;
  }

  /**
   * Makes sure that a rollback will be possible.
   * @returns ESP_OK, or the error that forbids the switch.
   */
  #prepareSwitch(): number {
    // Without a record of the attempt, a device could start a bad image again and again.
    if (this.#isRecordLost) return EspErr.ESP_ERR_NVS_NOT_ENOUGH_SPACE;
    const isFirm = this.#isResetClean && isRunningRecorded(this.#app);
    return isFirm ? EspErr.ESP_OK : recordRunningAnew(this.#app);
  }

  /** Rejects the running image, never another one: after a fallback, otadata selects another image's entry. */
  #rollBack(): { readonly err: number; readonly restart: boolean } {
    if (!isRunningSelected(this.#app)) return { err: EspErr.ESP_ERR_INVALID_STATE, restart: false };
    return esp_ota_mark_app_invalid_rollback_and_reboot(this.#app);
  }
}
