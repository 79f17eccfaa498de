import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { OtaError } from "@tinybms/ota-core";
import type { ByteBudget } from "./byte-budget.ts";
import { budgetError, refusalError } from "./guard-stream.ts";
import type { PacketGuard } from "./packet-guard.ts";

/** Options of a {@link ClientStream}. */
export interface ClientStreamOptions {
  readonly guard: PacketGuard;
  /** Limit of unfinished bytes of all connections together. */
  readonly budget: ByteBudget;
  /** Called before the connection is ended because of what the client sent. */
  readonly onRefused: (error: OtaError) => void;
}

/** Packets that the broker must have handled before it reads the next one. */
const HANDLED_ALONE: ReadonlySet<string> = new Set(["SUBSCRIBE", "UNSUBSCRIBE"]);

const NOTHING = new Uint8Array(0);

/**
 * A client's connection for the broker to read, behind a {@link PacketGuard} and in order.
 *
 * aedes handles all packets of one read at the same time, so an UNSUBSCRIBE can undo the SUBSCRIBE after it. This stream
 * stops after each of these two packets until {@link ClientStream.proceed} is called.
 */
export class ClientStream extends Duplex {
  readonly #socket: Socket;
  readonly #options: ClientStreamOptions;
  /** Bytes received and not yet passed to the broker. */
  #waiting: Uint8Array = NOTHING;
  #isHeld = false;
  #hasEnded = false;
  /** Called when the socket accepts bytes again. */
  #onDrain: (() => void) | undefined;

  constructor(socket: Socket, options: ClientStreamOptions) {
    super();
    this.#socket = socket;
    this.#options = options;
    socket.on("data", (bytes: Uint8Array) => {
      this.#waiting = this.#waiting.length === 0 ? bytes : Buffer.concat([this.#waiting, bytes]);
      this.#handOver();
    });
    socket.once("end", () => {
      this.#hasEnded = true;
      this.#handOver();
    });
    socket.on("drain", () => this.#goOn());
    socket.once("error", (error) => this.destroy(error));
    socket.once("close", () => this.destroy());
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }

  /** Continues after the broker has handled the last SUBSCRIBE or UNSUBSCRIBE. */
  proceed(): void {
    if (!this.#isHeld || this.destroyed) return;
    this.#isHeld = false;
    this.#handOver();
    // _read may have been called while the packet was being handled.
    if (!this.#isHeld) this.#socket.resume();
  }

  override _read(): void {
    if (!this.#isHeld) this.#socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.#afterWrite(this.#socket.write(chunk), done);
  }

  override _writev(chunks: readonly { readonly chunk: Uint8Array }[], done: () => void): void {
    this.#socket.cork();
    let isRoomLeft = true;
    for (const { chunk } of chunks) isRoomLeft = this.#socket.write(chunk);
    this.#socket.uncork();
    this.#afterWrite(isRoomLeft, done);
  }

  override _final(done: () => void): void {
    this.#socket.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#waiting = NOTHING;
    this.#options.budget.hold(this, 0);
    this.#socket.destroy();
    done(error);
  }

  #afterWrite(isRoomLeft: boolean, done: () => void): void {
    if (isRoomLeft) done();
    else this.#onDrain = done;
  }

  #goOn(): void {
    const done = this.#onDrain;
    this.#onDrain = undefined;
    done?.();
  }

  /** Passes received bytes to the broker, up to the end of a packet that is handled alone. */
  #handOver(): void {
    if (this.destroyed) return;
    let isRoomLeft = true;
    while (this.#waiting.length > 0 && !this.#isHeld) {
      const size = this.#admittedSize();
      if (this.destroyed) return;
      const piece = this.#waiting.subarray(0, size);
      this.#waiting = this.#waiting.subarray(size);
      isRoomLeft = this.push(piece);
    }
    if (this.#isHeld || !isRoomLeft) this.#socket.pause();
    if (this.#hasEnded && this.#waiting.length === 0) this.push(null);
  }

  /** Returns how many of the waiting bytes may be passed on now. */
  #admittedSize(): number {
    const { guard, budget } = this.#options;
    let size = 0;
    while (size < this.#waiting.length && !this.#isHeld) {
      size += guard.advance(this.#waiting, size);
      const { refusal } = guard;
      if (refusal !== undefined) {
        this.#refuse(refusalError(refusal));
        return 0;
      }
      this.#isHeld = guard.endedPacket !== undefined && HANDLED_ALONE.has(guard.endedPacket);
    }
    if (!budget.hold(this, guard.unfinishedBytes)) this.#refuse(budgetError(guard.unfinishedBytes, budget));
    return size;
  }

  #refuse(error: OtaError): void {
    this.#options.onRefused(error);
    this.destroy(error);
  }
}
