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
import { LineModel } from "./line-model.ts";
import { SerialLine } from "./serial-line.ts";

/** How a board is run at the end of a cable. */
export interface SerialCableOptions extends SerialBoardOptions {
  /** What runs after the ROM; the bootloader and no agent without it. */
  readonly firmware?: BoardFirmware;
  /** What faults call the board, `bench-1` without it. It gives the board its MAC address, unless `mac` does. */
  readonly id?: string;
  /** Faults of the line. */
  readonly faults?: readonly Fault[];
  /** Decides what those faults hit; 1 without it. */
  readonly seed?: number;
  /** Told when the flash loses power while the loader writes; the board is off then. */
  readonly onPowerLost?: (message: string) => void;
  /** Told when a fault has pulled the cable. */
  readonly onUnplug?: () => void;
}

/** What a host has of its port: where the port's events go. */
export interface PortListener {
  /** Bytes of the board. */
  onData(bytes: Uint8Array): void;
  /** The port is gone: the cable was pulled, or the board stopped. Not called for the host's own `close`. */
  onClose(): void;
}

/** A port as its host holds it. What is called after its end does nothing. */
export interface HostPort {
  write(bytes: Uint8Array): void;
  /** Sets lines: true is asserted. What is missing stays. */
  setSignals(signals: Partial<SerialSignals>): void;
  setBaudRate(baudRate: number): void;
  close(): void;
}

type BoardEvent<Event = SerialBoardEvent> = Event extends SerialBoardEvent ? Omit<Event, "now"> : never;

/**
 * A board at the end of a serial cable, run in real time: the other end is a port that one host at a time opens.
 * Power is on from the start.
 */
export class SerialCable {
  readonly board: SerialBoard;
  /** What has gone over the line, and how long a real one would have taken. */
  readonly model: LineModel = new LineModel();
  readonly #firmware: BoardFirmware;
  readonly #line: SerialLine;
  readonly #onPowerLost: (message: string) => void;
  #isPlugged = true;
  #timer: NodeJS.Timeout | undefined;
  #port: { readonly listener: PortListener; pending: Uint8Array[] } | undefined;
  /** Who waits for the port to be closed. */
  readonly #waiting: Set<() => void> = new Set();
  /** Software that was stopped may still want to print. */
  #start = 0;

  constructor(options: SerialCableOptions) {
    this.board = new SerialBoard(options.id === undefined ? options : { mac: macOfDevice(options.id), ...options });
    this.#firmware = options.firmware ?? new BootloaderFirmware(options.hardware);
    const { faults = [], id = "bench-1", seed = 1, onPowerLost = () => undefined } = options;
    this.#onPowerLost = onPowerLost;
    this.#line = new SerialLine(new LineFaults(faults, id, createRandom(seed)), {
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

  /** The cable is plugged in. */
  get isPlugged(): boolean {
    return this.#isPlugged;
  }

  /** The port can be opened: no host has it, and the cable is plugged in. */
  get isFree(): boolean {
    return this.#port === undefined && this.#isPlugged;
  }

  /**
   * Calls `onFree` when the host that has the port closes it, unless the cable is pulled first.
   *
   * @returns Stops waiting.
   */
  whenFree(onFree: () => void): () => void {
    this.#waiting.add(onFree);
    return () => this.#waiting.delete(onFree);
  }

  /**
   * Opens the port. As with an operating system's, both lines are asserted then, and neither after `close`.
   *
   * @param baudRate - Without it, as over a network, both ends agree on any rate.
   * @throws Error where it is open already, or the cable is pulled.
   */
  open(listener: PortListener, baudRate?: number): HostPort {
    if (this.#port !== undefined) throw new Error("the port is in use");
    if (!this.#isPlugged) throw new Error("there is no such port: the cable is pulled");
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

  /** Presses the reset button, and holds the boot button meanwhile where `download`. */
  pressReset(download = false): void {
    this.#handle({ type: "reset-button", download });
  }

  /** Resets into the loader without a word of the ROM's log. */
  enterLoader(): void {
    this.pressReset(true);
    if (this.#port !== undefined) this.#port.pending = [];
  }

  /** The software on the board restarts by itself. */
  restartApp(): void {
    this.#handle({ type: "app-restart" });
  }

  /** Gives power. */
  powerOn(): void {
    this.#handle({ type: "power-on" });
  }

  /** Takes power away. The port, of a bridge that has its own, stays. */
  cutPower(): void {
    this.#handle({ type: "power-off" });
  }

  /** Pulls the cable: the port is gone, and the board's power, which comes through it. */
  unplug(): void {
    const port = this.#port;
    this.#port = undefined;
    this.#isPlugged = false;
    this.#line.clear();
    this.cutPower();
    this.#handle({ type: "signals", dtr: false, rts: false });
    port?.listener.onClose();
  }

  /** Puts the cable back. */
  plugIn(): void {
    this.#isPlugged = true;
    this.powerOn();
  }

  /** Ends it: nothing is waited for any longer. The board stays as it is. */
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
    // The line may have taken the power away while the ROM's log was on it.
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

  /** A host gets bytes when it is done with what it is at. */
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

/** Milliseconds on a clock that never goes back. */
function now(): number {
  return performance.now();
}
