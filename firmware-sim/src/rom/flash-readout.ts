import { createHash, type Hash } from "node:crypto";
import { viewOf } from "@tinybms/ota-core";
import type { NorFlash } from "../flash/nor-flash.ts";

/** A READ_FLASH of a stub in progress. The host acknowledges each packet with the number of bytes received. */
export class FlashReadout {
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

  /** Whether the read has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Returns the next packet; after the last one, the MD5 of all, 16 bytes. */
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
   * Handles an acknowledgment of the host.
   *
   * @param frame - Four bytes: number of bytes received in all.
   * @returns The next frame; `undefined` if the number is wrong, which ends the read.
   */
  acknowledge(frame: Uint8Array): Uint8Array | undefined {
    if (frame.length === 4 && viewOf(frame).getUint32(0, true) === this.#sentTo - this.#start) return this.next();
    this.#isOver = true;
    return undefined;
  }
}
