import { concatBytes } from "@tinybms/ota-core";
import type { Fault } from "../fault/fault.ts";
import { LineFaults } from "../fault/line-faults.ts";
import { PowerCut } from "../flash/power-cut.ts";
import { createRandom } from "../random/random.ts";
import { macOfDevice } from "../rom/mac-address.ts";
import type { SerialSignals } from "../rom/reset-circuit.ts";
import { SerialBoard, type SerialBoardOptions } from "../rom/serial-board.ts";
import type { SerialBoardAction, SerialBoardEvent } from "../rom/serial-board-events.ts";
import { type BoardFirmware, BootloaderFirmware } from "./board-firmware.ts";
import { CableLine } from "./cable-line.ts";
import { LineModel } from "./line-model.ts";

/** Options of a {@link SerialCable}. */
export interface SerialCableOptions extends SerialBoardOptions {
  /** Firmware that runs after the ROM; by default the bootloader without an agent. */
  readonly firmware?: BoardFirmware;
  /** Device ID in faults (default: `bench-1`). If given, it also determines the MAC address, unless `mac` does. */
  readonly id?: string;
  /** Faults of the line. */
  readonly faults?: readonly Fault[];
  /** Decides which bytes those faults hit. @defaultValue 1 */
  readonly seed?: number;
  /** Called when the flash loses power while the loader writes. The board is off then. */
  readonly onPowerLost?: (message: string) => void;
  /** Called when a fault unplugs the cable. */
  readonly onUnplug?: () => void;
}

/** Receives the events of a port. */
export interface PortListener {
  /** Called with bytes from the board. */
  onData(bytes: Uint8Array): void;
  /** Called when the cable is unplugged or the board stops. Not called for the host's own `close`. */
  onClose(): void;
}

/** A port that a host has opened. After its end, calls have no effect. */
export interface HostPort {
  write(bytes: Uint8Array): void;
  /** Sets control lines: `true` is asserted. Absent ones don't change. */
  setSignals(signals: Partial<SerialSignals>): void;
  setBaudRate(baudRate: number): void;
  close(): void;
}

type BoardEvent<Event = SerialBoardEvent> = Event extends SerialBoardEvent ? Omit<Event, "now"> : never;

/**
 * Runs a board at the end of a serial cable in real time. One host at a time can open the port at the other end. Power is
 * on from the start.
 */
export class SerialCable {
  readonly board: SerialBoard;
  /** Bytes sent over the line, and an estimate of their time on a real line. */
  readonly model: LineModel = new LineModel();
  readonly #firmware: BoardFirmware;
  readonly #line: CableLine;
  readonly #onPowerLost: (message: string) => void;
  #isPlugged = true;
  #timer: NodeJS.Timeout | undefined;
  #port: { readonly listener: PortListener; pending: Uint8Array[] } | undefined;
  /** Callbacks that wait until the port is closed. */
  readonly #waiting: Set<() => void> = new Set();
  /** Counts starts, to drop output of firmware that was stopped. */
  #start = 0;

  constructor(options: SerialCableOptions) {
    this.board = new SerialBoard(options.id === undefined ? options : { mac: macOfDevice(options.id), ...options });
    this.#firmware = options.firmware ?? new BootloaderFirmware(options.hardware);
    const { faults = [], id = "bench-1", seed = 1, onPowerLost = () => undefined } = options;
    this.#onPowerLost = onPowerLost;
    this.#line = new CableLine(new LineFaults(faults, id, createRandom(seed)), {
      deliver: {
        "to-board": (bytes) => this.#handle({ type: "receive", bytes }),
        "to-host": (bytes) => this.#deliver(bytes),
      },
      onUnplug: () => {
        this.unplug();
        options.onUnplug?.();
      },
    });
    this.powerOn();
  }

  /** Whether the cable is plugged in. */
  get isPlugged(): boolean {
    return this.#isPlugged;
  }

  /** Whether the port can be opened: no host has it, and the cable is plugged in. */
  get isFree(): boolean {
    return this.#port === undefined && this.#isPlugged;
  }

  /**
   * Calls `onFree` when the current host closes the port, unless the cable is unplugged first.
   *
   * @returns A function that stops waiting.
   */
  whenFree(onFree: () => void): () => void {
    this.#waiting.add(onFree);
    return () => this.#waiting.delete(onFree);
  }

  /**
   * Opens the port. As in operating systems, this asserts both control lines, and `close` releases them.
   *
   * @param baudRate - Baud rate; without it, as over a network, both ends agree on any rate.
   * @throws Error if the port is in use or the cable is unplugged.
   */
  open(listener: PortListener, baudRate?: number): HostPort {
    if (this.#port !== undefined) throw new Error("the port is in use");
    if (!this.#isPlugged) throw new Error("there is no such port: the cable is unplugged");
    const port = { listener, pending: [] };
    this.#port = port;
    this.#handle({ type: "host-baud-rate", baudRate });
    this.#handle({ type: "signals", dtr: true, rts: true });
    const ifOpen = (event: BoardEvent) => {
      if (this.#port === port) this.#handle(event);
    };
    return {
      write: (bytes) => {
        if (this.#port === port) this.#write(bytes);
      },
      setSignals: (signals) => ifOpen({ type: "signals", ...signals }),
      setBaudRate: (rate) => ifOpen({ type: "host-baud-rate", baudRate: rate }),
      close: () => {
        if (this.#port !== port) return;
        this.#port = undefined;
        this.#line.clear();
        this.#handle({ type: "signals", dtr: false, rts: false });
        const [next] = this.#waiting;
        if (next !== undefined) this.#waiting.delete(next);
        next?.();
      },
    };
  }

  /** Presses the reset button, and holds the boot button if `download`. */
  pressReset(download = false): void {
    this.#handle({ type: "reset-button", download });
  }

  /** Resets into the loader and drops the ROM's log. */
  enterLoader(): void {
    this.pressReset(true);
    if (this.#port !== undefined) this.#port.pending = [];
  }

  /** Restarts the software on the board, as it can do by itself. */
  restartApp(): void {
    this.#handle({ type: "app-restart" });
  }

  /** Turns the power on. */
  powerOn(): void {
    this.#handle({ type: "power-on" });
  }

  /** Turns the power off. The port belongs to a bridge with its own power and stays. */
  cutPower(): void {
    this.#handle({ type: "power-off" });
  }

  /** Unplugs the cable. This closes the port and cuts the board's power, which comes through it. */
  unplug(): void {
    const port = this.#port;
    this.#port = undefined;
    this.#isPlugged = false;
    this.#line.clear();
    this.cutPower();
    this.#handle({ type: "signals", dtr: false, rts: false });
    port?.listener.onClose();
  }

  /** Plugs the cable in. */
  plugIn(): void {
    this.#isPlugged = true;
    this.powerOn();
  }

  /** Ends all waiting. The board stays as it is. */
  stop(): void {
    this.#port = undefined;
    this.#isPlugged = false;
    this.#line.clear();
    clearTimeout(this.#timer);
  }

  #write(bytes: Uint8Array): void {
    this.model.receive(bytes.length, this.board.baudRate);
    this.#line.send("to-board", bytes.slice());
  }

  #handle(event: BoardEvent): void {
    for (const action of this.board.handle({ ...event, now: now() })) this.#perform(action);
  }

  #perform(action: SerialBoardAction): void {
    switch (action.type) {
      case "send":
        if (this.#port === undefined) break;
        this.model.send(action.bytes.length, this.board.baudRate);
        this.#line.send("to-host", action.bytes);
        break;
      case "busy":
        this.model.busy(action.durationMs);
        break;
      case "boot":
        this.#boot();
        break;
      case "halt":
        this.#start++;
        this.#firmware.halt();
        break;
      case "power-lost":
        this.#onPowerLost(action.message);
        break;
      case "set-timer":
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#handle({ type: "timer" }), Math.max(Math.ceil(action.at - now()), 0));
        break;
      case "clear-timer":
        clearTimeout(this.#timer);
        break;
      default:
        action satisfies never;
    }
  }

  #boot(): void {
    // The ROM's log may have triggered a fault that cut the power.
    if (this.board.state !== "app") return;
    const start = ++this.#start;
    try {
      this.#firmware.boot((text) => {
        if (this.#start === start) this.#handle({ type: "console", text });
      });
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      this.cutPower();
    }
  }

  /** Delivers bytes asynchronously, in one piece. */
  #deliver(bytes: Uint8Array): void {
    const port = this.#port;
    if (port === undefined) return;
    port.pending.push(bytes);
    queueMicrotask(() => {
      const sent = concatBytes(port.pending);
      port.pending = [];
      if (this.#port === port && sent.length > 0) port.listener.onData(sent);
    });
  }
}

/** Returns the time in milliseconds on a monotonic clock. */
function now(): number {
  return performance.now();
}
