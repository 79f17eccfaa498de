import { createHash, type Hash } from "node:crypto";
import { viewOf } from "@tinybms/ota-core";
import type { NorFlash } from "../flash/nor-flash.ts";

/** A stub's READ_FLASH under way: a packet at a time, each acknowledged by the count of bytes received. */
export class ReadFlash {
  readonly #flash: NorFlash;
  readonly #end: number;
  readonly #packetSize: number;
  readonly #start: number;
  readonly #digest: Hash = createHash("md5");
  #sentTo: number;
  #isOver = false;

  constructor(flash: NorFlash, offset: number, length: number, packetSize: number) {
    this.#flash = flash;
    this.#start = offset;
    this.#sentTo = offset;
    this.#end = offset + length;
    this.#packetSize = packetSize;
  }

  /** Nothing more is expected. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The next packet; behind the last the MD5 of all, 16 bytes. */
  next(): Uint8Array {
    if (this.#sentTo === this.#end) {
      this.#isOver = true;
      return new Uint8Array(this.#digest.digest());
    }
    const packet = this.#flash.read(this.#sentTo, Math.min(this.#packetSize, this.#end - this.#sentTo));
    this.#sentTo += packet.length;
    this.#digest.update(packet);
    return packet;
  }

  /**
   * Takes the host's acknowledgement.
   *
   * @param frame - Four bytes: how many it has received in all.
   * @returns The frame that follows; `undefined`, and it is over, where the host doesn't say what it must.
   */
  acknowledge(frame: Uint8Array): Uint8Array | undefined {
    if (frame.length === 4 && viewOf(frame).getUint32(0, true) === this.#sentTo - this.#start) return this.next();
    this.#isOver = true;
    return undefined;
  }
}
