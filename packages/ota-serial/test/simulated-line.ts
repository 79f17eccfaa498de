import {
  type BoardFirmware,
  BootloaderFirmware,
  SerialBoard,
  type SerialBoardAction,
  type SerialBoardEvent,
  type SerialBoardOptions,
} from "@tinybms/firmware-sim";
import { concatBytes } from "@tinybms/ota-core";
import type { SerialLine, Signals, UsbIdentity } from "../src/index.ts";
import { portLost } from "../src/line/port-faults.ts";

export interface SimulatedLineOptions extends SerialBoardOptions {
  readonly firmware?: BoardFirmware;
  readonly usb?: UsbIdentity;
  /** Pulls the cable when so many bytes have been written. */
  readonly unplugAfter?: number;
  /** What becomes of bytes on their way. */
  readonly spoil?: (bytes: Uint8Array, direction: "to-board" | "to-host") => Uint8Array;
  /** What every change of direction costs, in milliseconds. */
  readonly latencyMs?: number;
  readonly hasSignals?: boolean;
  readonly hasBaudRate?: boolean;
  /** The board hears nothing of what the host sends above this rate. */
  readonly baudRateMax?: number;
}

type BoardEvent<Event = SerialBoardEvent> = Event extends SerialBoardEvent ? Omit<Event, "now"> : never;

/** A simulated board at the end of a cable, in simulated time: ten bits a byte at the host's rate, and nothing else. */
export class SimulatedLine implements SerialLine {
  readonly port = "simulated";
  readonly usb: UsbIdentity | undefined;
  readonly hasSignals: boolean;
  readonly canSetSignalsTogether = true;
  readonly hasBaudRate: boolean;
  readonly board: SerialBoard;
  readonly firmware: BoardFirmware;
  /** Bytes that have left the host, and that have reached it. */
  written = 0;
  received = 0;
  /** Every rate that was set. */
  readonly baudRates: number[] = [];
  readonly #options: SimulatedLineOptions;
  #now = 0;
  #timer: number | undefined;
  #baudRate = 115_200;
  #incoming: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  #isUnplugged = false;

  constructor(options: SimulatedLineOptions) {
    this.#options = options;
    this.board = new SerialBoard(options);
    this.firmware = options.firmware ?? new BootloaderFirmware(options.hardware);
    this.usb = options.usb;
    this.hasSignals = options.hasSignals ?? true;
    this.hasBaudRate = options.hasBaudRate ?? true;
    if (this.hasBaudRate) this.#tell({ type: "host-baud-rate", baudRate: this.#baudRate });
    this.#tell({ type: "power-on" });
  }

  now(): number {
    return this.#now;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#assertPlugged();
    const { unplugAfter = Number.POSITIVE_INFINITY } = this.#options;
    const sent = bytes.subarray(0, Math.max(0, unplugAfter - this.written));
    this.written += sent.length;
    this.#advanceTo(this.#now + this.#durationOf(sent) + (this.#options.latencyMs ?? 0));
    const isHeard = this.#baudRate <= (this.#options.baudRateMax ?? Number.POSITIVE_INFINITY);
    if (isHeard) this.#tell({ type: "receive", bytes: this.#spoilt(sent, "to-board") });
    if (sent.length < bytes.length) this.unplug();
    this.#assertPlugged();
  }

  async read(timeoutMs: number): Promise<Uint8Array> {
    this.#assertPlugged();
    const deadline = this.#now + timeoutMs;
    for (;;) {
      const arrived = this.#incoming.filter(({ at }) => at <= this.#now);
      if (arrived.length > 0) {
        this.#incoming = this.#incoming.filter(({ at }) => at > this.#now);
        return concatBytes(arrived.map(({ bytes }) => bytes));
      }
      const next = Math.min(deadline, this.#timer ?? deadline, ...this.#incoming.map(({ at }) => at));
      if (this.#now >= deadline) return new Uint8Array(0);
      this.#advanceTo(Math.max(next, this.#now));
    }
  }

  async setSignals(signals: Signals): Promise<void> {
    this.#assertPlugged();
    if (this.hasSignals) this.#tell({ type: "signals", ...signals });
  }

  async setBaudRate(baudRate: number): Promise<void> {
    this.#assertPlugged();
    this.baudRates.push(baudRate);
    this.#baudRate = baudRate;
    if (this.hasBaudRate) this.#tell({ type: "host-baud-rate", baudRate });
  }

  async wait(ms: number): Promise<void> {
    this.#advanceTo(this.#now + ms);
  }

  async close(): Promise<void> {}

  /** Pulls the cable, which powers the board. */
  unplug(): void {
    this.#isUnplugged = true;
    this.#tell({ type: "power-off" });
  }

  /** Somebody presses a button, or the app prints. */
  happen(event: BoardEvent): void {
    this.#tell(event);
  }

  #assertPlugged(): void {
    if (this.#isUnplugged) throw portLost(this.port);
  }

  #durationOf(bytes: Uint8Array): number {
    return (bytes.length * 10_000) / this.#baudRate;
  }

  #spoilt(bytes: Uint8Array, direction: "to-board" | "to-host"): Uint8Array {
    return this.#options.spoil?.(bytes, direction) ?? bytes;
  }

  #advanceTo(time: number): void {
    while (this.#timer !== undefined && this.#timer <= time) {
      this.#now = Math.max(this.#now, this.#timer);
      this.#timer = undefined;
      this.#tell({ type: "timer" });
    }
    this.#now = Math.max(this.#now, time);
  }

  #tell(event: BoardEvent): void {
    for (const action of this.board.handle({ ...event, now: this.#now })) this.#perform(action);
  }

  #perform(action: SerialBoardAction): void {
    switch (action.type) {
      case "send": {
        const bytes = this.#spoilt(action.bytes, "to-host");
        const last = this.#incoming.at(-1)?.at ?? 0;
        const at = Math.max(last, this.#now + (this.#options.latencyMs ?? 0)) + this.#durationOf(bytes);
        this.received += bytes.length;
        this.#incoming.push({ at, bytes });
        break;
      }
      case "boot":
        this.firmware.boot((text) => this.#tell({ type: "console", text }));
        break;
      case "halt":
        this.firmware.halt();
        break;
      case "set-timer":
        this.#timer = action.at;
        break;
      case "clear-timer":
        this.#timer = undefined;
        break;
      case "busy":
      case "power-lost":
        break;
      default:
        action satisfies never;
    }
  }
}
