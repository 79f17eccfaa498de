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
import { type AgentKind, type AgentReceiver, createAgentReceiver } from "./agent-receiver.ts";
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

/** How the firmware of a device was built and provisioned. */
export interface AgentOptions {
  /** The device's name in topics. */
  readonly device: string;
  /** The channel's `topic`, see `docs/protocol.md`. */
  readonly topicRoot: string;
  readonly product: string;
  /** Takes unsigned offers, as long as it has no key set. */
  readonly allowUnsigned: boolean;
  /** The key set that it was provisioned with. A later one is in NVS. */
  readonly keySet?: TrustedKeys | undefined;
  /** Who it is stands in NVS, which is therefore never erased. */
  readonly isProvisioned?: boolean | undefined;
  /** @defaultValue `verifySignature` */
  readonly verify?: SignatureVerifier | undefined;
  /** A source of numbers in [0, 1). */
  readonly random: () => number;
  /** Outcome of the self-test, by image. */
  readonly selfTests: readonly SelfTestRule[];
  /** How long the self-test takes once the broker is reached, in milliseconds. */
  readonly selfTestMs: number;
  readonly timing?: Partial<ReceiverTiming> | undefined;
  /** Chunks it has buffers for; `0` takes what comes. */
  readonly window?: number | undefined;
  /**
   * Implementation of the receiver.
   *
   * @defaultValue `ts`
   */
  readonly agent?: AgentKind | undefined;
}

/** How the start came about. */
export interface AgentStart {
  readonly now: number;
  /** What the bootloader loaded. */
  readonly image: VerifiedImage;
  /** Software asked for the reset that led here. */
  readonly cleanReset: boolean;
  /** New images start on the bootloader's probation. */
  readonly rollback: boolean;
}

/** When to do something that no message triggers. */
export type AgentTimer =
  | ReceiverTimer
  /** When the self-test has its result. */
  | "self-test";

/** A message that the broker delivered. */
export interface AgentMessage {
  readonly type: "message";
  readonly now: number;
  readonly topic: string;
  readonly payload: Uint8Array;
  /** The RETAIN flag of its PUBLISH: it arrives because of a subscription. */
  readonly retained: boolean;
}

/** What reaches the agent from outside. `now` is in milliseconds on a clock that never goes back; the receiver gets whole ones. */
export type AgentEvent =
  | { readonly type: "connected"; readonly now: number }
  | { readonly type: "disconnected"; readonly now: number }
  | AgentMessage
  | { readonly type: "timer"; readonly now: number; readonly timer: AgentTimer }
  | Extract<ReceiverEvent, { readonly type: "cancel" | "clock" | "may-reboot" | "network" }>;

/** What the agent wants of the world, in order. */
export type AgentAction =
  | Extract<ReceiverAction, { readonly type: "publish" | "subscribe" | "unsubscribe" | "reboot" | "renew-will" }>
  | { readonly type: "set-timer"; readonly timer: AgentTimer; readonly at: number }
  | { readonly type: "clear-timer"; readonly timer: AgentTimer };

/**
 * The OTA agent as firmware would have it: a receiver ({@link AgentReceiver}), with its flash operations carried out on the
 * `esp_partition_…` and `esp_ota_…` calls and its record in NVS. Lives from one start of the app to the next reset.
 *
 * After a `reboot` action it must not be used any more.
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
   * Starts the app: opens NVS, looks at itself in flash, repairs what a fall-back left.
   *
   * @throws PowerCut where the flash loses power, EspAbort where the device would.
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
    // Last, because a power cut in one of the steps above leaves nobody to dispose it.
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
    });
  }

  /** Tells the machine of the start. Once, before any {@link handle}. */
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

  /** Gives the receiver's memory back. The agent must not be used any more. */
  dispose(): void {
    this.#receiver.dispose?.();
  }

  get state(): DeviceState {
    return this.#receiver.state;
  }

  /** What is wrong, as reports say it. */
  get error(): ReportedError | undefined {
    return this.#receiver.error;
  }

  /** Chunks of the image at hand, and how many of them stand in flash. */
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

  /** The state report as of now; with `online` false it is the connection's will. */
  report(online: boolean): StateReport {
    return this.#receiver.report(online);
  }

  #toReceiverEvent(event: AgentEvent): ReceiverEvent | undefined {
    const translated = this.#translate(event);
    return translated === undefined ? undefined : { ...translated, now: Math.floor(translated.now) };
  }

  #translate(event: AgentEvent): ReceiverEvent | undefined {
    if (event.type === "message") return messageEvent(this.#options.topicRoot, event);
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

  /** Runs the machine until it asks for nothing more of the flash; stops at a reboot. */
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

  /** Takes otadata off the slot before an action changes it. @returns ESP_OK, or why the action must not be done. */
  #prepareTarget(action: FlashAction): number {
    const isOverwritten = action.type === "erase-sector" && action.offset === 0;
    const isSelected = action.type === "set-boot-partition";
    const target = this.#target?.partition;
    if (target === undefined || !(isOverwritten || isSelected)) return EspErr.ESP_OK;
    const espErr = deselectTarget(this.#app, target);
    return espErr === EspErr.ESP_OK && isSelected ? this.#prepareSwitch() : espErr;
  }

  /** Makes sure that there is a way back. @returns ESP_OK, or why the switch must not be made. */
  #prepareSwitch(): number {
    // Without its record of the attempt a device could start a bad image again and again; so it doesn't start it.
    if (this.#isRecordLost) return EspErr.ESP_ERR_NVS_NOT_ENOUGH_SPACE;
    const isFirm = this.#isResetClean && isRunningRecorded(this.#app);
    return isFirm ? EspErr.ESP_OK : recordRunningAnew(this.#app);
  }

  /** Gives the running image up, and never another: after a fall-back the selected entry is not its own. */
  #rollBack(): { readonly err: number; readonly restart: boolean } {
    if (!isRunningSelected(this.#app)) return { err: EspErr.ESP_ERR_INVALID_STATE, restart: false };
    return esp_ota_mark_app_invalid_rollback_and_reboot(this.#app);
  }
}
