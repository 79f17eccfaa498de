import { utf8 } from "@tinybms/ota-core";
import { SlipDecoder } from "@tinybms/ota-core/serial";
import type { Hardware } from "../boot/boot-options.ts";
import { BaudRates } from "./baud-rates.ts";
import { isFlashedWithoutBootloader, missingBootloader } from "./bootloader-place.ts";
import type { LoaderEffect } from "./loader-effect.ts";
import { DEFAULT_MAC } from "./mac-address.ts";
import { pinsOf, type ResetCircuit, type SerialSignals } from "./reset-circuit.ts";
import { consoleText, downloadLog, flashBootLog, noBootloaderLog, type ResetCause } from "./rom-console.ts";
import { RomLoader } from "./rom-loader.ts";
import type { RomProfile } from "./rom-profile.ts";
import { romProfileOf } from "./rom-profiles.ts";
import type { SerialBoardAction, SerialBoardEvent, SerialBoardState } from "./serial-board-events.ts";

/** Options of a {@link SerialBoard}. */
export interface SerialBoardOptions {
  readonly hardware: Hardware;
  /** Base MAC address, six bytes. @defaultValue 24:0a:c4:00:00:01 */
  readonly mac?: Uint8Array;
  /** @defaultValue `transistors` */
  readonly resetCircuit?: ResetCircuit;
  /** Whether commands take as long as on a real flash chip. @defaultValue `false` */
  readonly flashTakesTime?: boolean;
  /**
   * Whether the ROM requires a bootloader in flash. By default it does, unless the flash has a partition table and no
   * bootloader at this time, as simulated devices may.
   */
  readonly needsBootloader?: boolean;
}

/** How long after reset the boot pin may still go low, in milliseconds: the capacitor at the enable pin delays the rise. */
const STRAPPING_MS = 150;

/** Maximum number of frames that wait while the flash is busy. More are lost. */
const WAITING_FRAMES_MAX = 16;

/**
 * Simulates a board at the end of a serial line: reset circuit, strapping, ROM with loader, and the console of the
 * software that runs after it. Takes events and returns actions; owns no port, clock or timer.
 */
export class SerialBoard {
  readonly #hardware: Hardware;
  readonly #profile: RomProfile;
  readonly #mac: Uint8Array;
  readonly #circuit: ResetCircuit;
  readonly #flashTakesTime: boolean;
  readonly #needsBootloader: boolean;
  #state: SerialBoardState = "off";
  #signals: SerialSignals = { dtr: false, rts: false };
  /** With USB Serial/JTAG: whether the next reset enters download mode. */
  #downloadFlag = false;
  #strapsDownload = false;
  #strappingEnds = 0;
  #loader: RomLoader | undefined;
  readonly #decoder: SlipDecoder = new SlipDecoder();
  /** Frames and effects that wait for the flash. */
  #frames: Uint8Array[] = [];
  #effects: LoaderEffect[] = [];
  #busyUntil = 0;
  readonly #rates: BaudRates;

  /** @throws RangeError for a chip whose ROM isn't simulated. */
  constructor(options: SerialBoardOptions) {
    const { hardware, mac = DEFAULT_MAC } = options;
    const profile = romProfileOf(hardware.chip.name);
    if (profile === undefined) throw new RangeError(`the ROM of ${hardware.chip.name} is not simulated`);
    this.#hardware = hardware;
    this.#profile = profile;
    this.#mac = mac;
    this.#circuit = options.resetCircuit ?? "transistors";
    this.#rates = new BaudRates(this.#circuit !== "usb-serial-jtag");
    this.#flashTakesTime = options.flashTakesTime ?? false;
    this.#needsBootloader = options.needsBootloader ?? !isFlashedWithoutBootloader(hardware);
  }

  /** Connection of the control lines to the chip. */
  get resetCircuit(): ResetCircuit {
    return this.#circuit;
  }

  get state(): SerialBoardState {
    return this.#state;
  }

  /** Whether the board was reset into its loader. A software restart then returns to the loader. */
  get isBootPinLatched(): boolean {
    return this.#strapsDownload;
  }

  /** Whether a stub runs in place of the ROM, in download mode. */
  get isStub(): boolean {
    return this.#loader?.isStub ?? false;
  }

  /** Baud rate of the board in both directions. */
  get baudRate(): number {
    return this.#rates.board;
  }

  handle(event: SerialBoardEvent): SerialBoardAction[] {
    const actions: SerialBoardAction[] = [];
    switch (event.type) {
      case "power-on":
        if (this.#state === "off") this.#powerOn(event.now, actions);
        break;
      case "power-off":
        this.#stop(actions);
        this.#state = "off";
        break;
      case "receive":
        this.#receive(event.bytes, event.now, actions);
        break;
      case "signals":
        this.#setSignals(event, event.now, actions);
        break;
      case "host-baud-rate":
        this.#rates.host = event.baudRate;
        break;
      case "reset-button":
        if (this.#state !== "off") this.#restart(event.download, actions);
        break;
      case "console":
        if (this.#state === "app") this.#send(utf8(event.text), actions);
        break;
      case "app-restart":
        if (this.#state === "app") this.#restartApp(actions);
        break;
      case "timer":
        this.#onTimer(event.now, actions);
        break;
      default:
        event satisfies never;
    }
    return actions;
  }

  #powerOn(now: number, actions: SerialBoardAction[]): void {
    if (!this.#hardware.flash.isPowered) this.#hardware.flash.powerOn();
    this.#downloadFlag = false;
    if (this.#circuit === "transistors") this.#followPins(now, actions);
    else this.#strapUntil(now, actions);
  }

  #setSignals(wanted: Partial<SerialSignals>, now: number, actions: SerialBoardAction[]): void {
    const before = this.#signals;
    this.#signals = { dtr: wanted.dtr ?? before.dtr, rts: wanted.rts ?? before.rts };
    if (this.#state === "off") return;
    if (this.#circuit === "transistors") this.#followPins(now, actions);
    if (this.#circuit === "usb-serial-jtag") this.#followUsb(before, actions);
  }

  /** The boot pin is read when the enable pin rises, or soon after. */
  #followPins(now: number, actions: SerialBoardAction[]): void {
    const { enable, boot } = pinsOf(this.#signals);
    if (!enable) {
      if (this.#state === "held") return;
      this.#stop(actions);
      this.#state = "held";
      return;
    }
    if (this.#state === "held" || this.#state === "off") {
      this.#strapUntil(now + STRAPPING_MS, actions);
    }
    if (this.#state === "strapping" && !boot) this.#restart(true, actions);
  }

  #strapUntil(time: number, actions: SerialBoardAction[]): void {
    this.#state = "strapping";
    this.#strappingEnds = time;
    actions.push({ type: "set-timer", at: time });
  }

  /** The USB Serial/JTAG controller decodes the sequence: DTR selects, RTS resets (technical reference manuals). */
  #followUsb(before: SerialSignals, actions: SerialBoardAction[]): void {
    const { dtr, rts } = this.#signals;
    if (!rts) this.#downloadFlag = dtr;
    const isReset = rts && !dtr;
    const wasReset = before.rts && !before.dtr;
    if (isReset && !wasReset) this.#restart(this.#downloadFlag, actions);
  }

  /** Restarts the app by software. RTC memory is kept. */
  #restartApp(actions: SerialBoardAction[]): void {
    this.#state = "held";
    this.#restart(this.#strapsDownload, actions, "software");
  }

  /** Resets with the boot pin already read. */
  #restart(download: boolean, actions: SerialBoardAction[], cause: ResetCause = "power-on"): void {
    this.#stop(actions);
    this.#strapsDownload = download;
    this.#rates.reset(download);
    if (!download) {
      this.#bootFlash(actions, cause);
      return;
    }
    this.#state = "download";
    this.#loader = new RomLoader(this.#hardware, this.#profile, this.#mac);
    this.#print(downloadLog(this.#profile, cause), actions);
  }

  #bootFlash(actions: SerialBoardAction[], cause: ResetCause): void {
    this.#state = "app";
    this.#rates.reset(false);
    this.#print(flashBootLog(this.#profile, cause), actions);
    const word = this.#needsBootloader ? missingBootloader(this.#hardware) : undefined;
    if (word === undefined) actions.push({ type: "boot" });
    else this.#print(noBootloaderLog(word), actions);
  }

  /** Stops everything. Only flash keeps its content. */
  #stop(actions: SerialBoardAction[]): void {
    if (this.#state === "app") actions.push({ type: "halt" });
    this.#loader = undefined;
    this.#decoder.reset();
    this.#frames = [];
    this.#effects = [];
    this.#busyUntil = 0;
    actions.push({ type: "clear-timer" });
  }

  #receive(bytes: Uint8Array, now: number, actions: SerialBoardAction[]): void {
    const loader = this.#loader;
    if (loader === undefined) return;
    this.#rates.measure();
    loader.baudRate = this.#rates.board;
    if (!this.#rates.agree) return;
    for (const part of this.#decoder.push(bytes)) {
      // Bytes after the frame that ended the loader are lost with it.
      if (this.#loader !== loader) return;
      if (part.type !== "frame" || this.#frames.length >= WAITING_FRAMES_MAX) continue;
      this.#frames.push(part.bytes);
      this.#work(now, actions);
    }
  }

  #onTimer(now: number, actions: SerialBoardAction[]): void {
    if (this.#state === "download") this.#work(now, actions);
    if (this.#state !== "strapping") return;
    // Real timers may fire slightly early.
    if (now < this.#strappingEnds) actions.push({ type: "set-timer", at: this.#strappingEnds });
    else this.#restart(false, actions);
  }

  /** Handles frames and effects until the flash is busy. */
  #work(now: number, actions: SerialBoardAction[]): void {
    while (this.#loader !== undefined && now >= this.#busyUntil) {
      const effect = this.#effects.shift();
      if (effect !== undefined) {
        this.#perform(effect, now, actions);
        continue;
      }
      const frame = this.#frames.shift();
      if (frame === undefined) return;
      this.#effects = this.#loader.handle(frame);
    }
    if (this.#loader !== undefined) actions.push({ type: "set-timer", at: this.#busyUntil });
  }

  #perform(effect: LoaderEffect, now: number, actions: SerialBoardAction[]): void {
    switch (effect.type) {
      case "send":
        this.#send(effect.bytes, actions);
        break;
      case "busy":
        if (this.#flashTakesTime) this.#busyUntil = now + effect.durationMs;
        actions.push({ type: "busy", durationMs: effect.durationMs });
        break;
      case "baud-rate":
        this.#rates.board = effect.baudRate;
        break;
      case "run-app":
        this.#stop(actions);
        this.#bootFlash(actions, "software");
        break;
      case "restart":
        this.#restart(this.#strapsDownload, actions, "software");
        break;
      case "hang":
        this.#stop(actions);
        this.#state = "hung";
        break;
      case "power-lost":
        this.#stop(actions);
        this.#state = "off";
        actions.push({ type: "power-lost", message: effect.message });
        break;
      default:
        effect satisfies never;
    }
  }

  #print(lines: readonly string[], actions: SerialBoardAction[]): void {
    this.#send(utf8(consoleText(lines)), actions);
  }

  #send(bytes: Uint8Array, actions: SerialBoardAction[]): void {
    if (this.#rates.agree) actions.push({ type: "send", bytes });
  }
}
