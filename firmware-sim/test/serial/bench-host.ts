import { concatBytes } from "@tinybms/ota-core";
import {
  buildLoaderBlock,
  buildLoaderRequest,
  encodeSlip,
  LoaderOp,
  type LoaderResponse,
  loaderWords,
  parseLoaderResponse,
  SlipDecoder,
  SYNC_DATA,
} from "@tinybms/ota-core/serial";
import { SerialBoard, type SerialBoardOptions } from "../../src/rom/serial-board.ts";
import type { SerialBoardAction, SerialBoardEvent } from "../../src/rom/serial-board-events.ts";

type HostEvent<Event = SerialBoardEvent> = Event extends SerialBoardEvent ? Omit<Event, "now"> : never;

/** A board, a host connected to its loader, and a clock that only advances to the next timer. */
export class BenchHost {
  readonly board: SerialBoard;
  now = 0;
  /** Bytes that the board printed outside of frames. */
  console = "";
  readonly boots: number[] = [];
  halts = 0;
  isPowerLost = false;
  #frames: Uint8Array[] = [];
  #timer: number | undefined;
  readonly #decoder = new SlipDecoder();

  constructor(options: SerialBoardOptions) {
    this.board = new SerialBoard(options);
  }

  /** Creates a board that waits in its loader, synchronized. */
  static inLoader(options: SerialBoardOptions): BenchHost {
    const host = new BenchHost(options);
    host.event({ type: "power-on" });
    host.event({ type: "reset-button", download: true });
    host.sync();
    return host;
  }

  event(event: HostEvent): void {
    this.#perform(this.board.handle({ ...event, now: this.now }));
  }

  /** Advances time until no timer is set. */
  settle(): void {
    while (this.#timer !== undefined) this.#fire(this.#timer);
  }

  /** Advances time. */
  wait(ms: number): void {
    const end = this.now + ms;
    while (this.#timer !== undefined && this.#timer <= end) this.#fire(this.#timer);
    this.now = end;
  }

  /** Sends a frame. @returns All frames until the board was idle. */
  exchange(frame: Uint8Array): readonly Uint8Array[] {
    this.#frames = [];
    this.event({ type: "receive", bytes: encodeSlip(frame) });
    this.settle();
    return this.#frames;
  }

  /** Sends a request. @returns Its responses. */
  responses(op: number, data: Uint8Array): readonly LoaderResponse[] {
    return this.exchange(buildLoaderRequest(op, data)).flatMap((frame) => parseLoaderResponse(frame) ?? []);
  }

  /** Sends a request of words that has one response. */
  request(op: number, ...words: readonly number[]): LoaderResponse {
    return this.only(this.responses(op, loaderWords(...words)));
  }

  block(op: number, sequence: number, bytes: Uint8Array): LoaderResponse {
    return this.only(
      this.exchange(buildLoaderBlock(op, sequence, bytes)).flatMap((frame) => parseLoaderResponse(frame) ?? []),
    );
  }

  only(responses: readonly LoaderResponse[]): LoaderResponse {
    const [response, ...more] = responses;
    if (response === undefined || more.length > 0) throw new Error(`${responses.length} responses instead of 1`);
    return response;
  }

  sync(): readonly LoaderResponse[] {
    return this.responses(LoaderOp.SYNC, SYNC_DATA);
  }

  /**
   * Uploads a stub, or bytes in its place.
   * @returns The frames after its start.
   */
  startStub(entry = 0x4000_0010): readonly Uint8Array[] {
    const text = new Uint8Array(0x100);
    this.request(LoaderOp.MEM_BEGIN, text.length, 1, 0x1800, 0x4000_0000);
    this.block(LoaderOp.MEM_DATA, 0, text);
    return this.exchange(buildLoaderRequest(LoaderOp.MEM_END, loaderWords(0, entry)));
  }

  #fire(at: number): void {
    this.now = Math.max(this.now, at);
    this.#timer = undefined;
    this.event({ type: "timer" });
  }

  #perform(actions: readonly SerialBoardAction[]): void {
    for (const action of actions) {
      if (action.type === "set-timer") this.#timer = action.at;
      if (action.type === "clear-timer") this.#timer = undefined;
      if (action.type === "boot") this.boots.push(this.now);
      if (action.type === "halt") this.halts++;
      if (action.type === "power-lost") this.isPowerLost = true;
      if (action.type === "send") this.#receive(action.bytes);
    }
  }

  #receive(bytes: Uint8Array): void {
    for (const part of this.#decoder.push(bytes)) {
      if (part.type === "frame") this.#frames.push(part.bytes);
      else this.console += new TextDecoder().decode(part.bytes);
    }
  }
}

/** Returns bytes that don't repeat and hardly compress. */
export function noise(size: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = seed;
  for (let index = 0; index < size; index++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[index] = state >>> 16;
  }
  return bytes;
}

/** Pads with 0xFF up to a size. */
export function padded(bytes: Uint8Array, size: number): Uint8Array {
  return concatBytes([bytes, new Uint8Array(size - bytes.length).fill(0xff)]);
}
