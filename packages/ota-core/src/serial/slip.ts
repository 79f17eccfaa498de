/** Begins and ends a frame (RFC 1055 `END`). */
export const SLIP_END = 0xc0;
/** Begins an escape: `DB DC` stands for C0, `DB DD` for DB. */
const ESCAPE = 0xdb;
const ESCAPED_END = 0xdc;
const ESCAPED_ESCAPE = 0xdd;

/** The longest frame that a {@link SlipDecoder} takes without being told otherwise, in bytes: twice the largest block. */
export const SLIP_FRAME_MAX = 0x8000;

/**
 * Wraps a frame for the line: C0 before and after it, C0 and DB inside it escaped (SLIP as Espressif's loaders use it).
 *
 * @param frame - Any bytes.
 */
export function encodeSlip(frame: Uint8Array): Uint8Array {
  let size = frame.length + 2;
  for (const byte of frame) if (byte === SLIP_END || byte === ESCAPE) size++;
  const bytes = new Uint8Array(size);
  bytes[0] = SLIP_END;
  let offset = 1;
  for (const byte of frame) {
    if (byte === SLIP_END || byte === ESCAPE) {
      bytes[offset++] = ESCAPE;
      bytes[offset++] = byte === SLIP_END ? ESCAPED_END : ESCAPED_ESCAPE;
    } else {
      bytes[offset++] = byte;
    }
  }
  bytes[offset] = SLIP_END;
  return bytes;
}

/** What a line held, in order. */
export type SlipPart =
  /** A whole frame, unescaped, never empty. */
  | { readonly type: "frame"; readonly bytes: Uint8Array }
  /** Bytes outside any frame: console text, or what noise left of a frame. */
  | { readonly type: "stray"; readonly bytes: Uint8Array }
  /** A frame given up: an escape that stands for nothing, or more bytes than the limit. What follows it is stray. */
  | { readonly type: "broken"; readonly reason: "escape" | "too-long"; readonly bytes: Uint8Array };

/**
 * Finds frames in what a line delivers, cut into pieces anywhere.
 *
 * Empty frames are no frames: after a lost C0 the next pair of them brings the decoder back into step.
 */
export class SlipDecoder {
  readonly #frameMax: number;
  #isInside = false;
  #isEscaped = false;
  #bytes: Uint8Array = new Uint8Array(256);
  #size = 0;

  /** @param frameMax - The longest frame taken, in bytes. */
  constructor(frameMax: number = SLIP_FRAME_MAX) {
    this.#frameMax = frameMax;
  }

  /** Takes the next bytes of the line. @returns The frames that they end, and what lay between frames. */
  push(bytes: Uint8Array): SlipPart[] {
    const parts: SlipPart[] = [];
    let strayFrom = 0;
    const endStray = (end: number) => {
      if (end > strayFrom) parts.push({ type: "stray", bytes: bytes.slice(strayFrom, end) });
    };
    for (let index = 0; index < bytes.length; index++) {
      const byte = bytes[index] ?? 0;
      if (!this.#isInside) {
        if (byte !== SLIP_END) continue;
        endStray(index);
        this.#isInside = true;
        continue;
      }
      const ended = this.#take(byte);
      if (ended === undefined) continue;
      parts.push(ended);
      this.#isInside = false;
      strayFrom = index + 1;
    }
    if (!this.#isInside) endStray(bytes.length);
    return parts;
  }

  /** Forgets a frame begun. */
  reset(): void {
    this.#isInside = false;
    this.#isEscaped = false;
    this.#size = 0;
  }

  /** One byte inside a frame. @returns What it ended, if anything. */
  #take(byte: number): SlipPart | undefined {
    if (byte === SLIP_END) {
      if (this.#isEscaped) return this.#giveUp("escape");
      return this.#size === 0 ? undefined : { type: "frame", bytes: this.#end() };
    }
    if (this.#isEscaped) {
      if (byte !== ESCAPED_END && byte !== ESCAPED_ESCAPE) return this.#giveUp("escape");
      this.#isEscaped = false;
      return this.#append(byte === ESCAPED_END ? SLIP_END : ESCAPE);
    }
    if (byte !== ESCAPE) return this.#append(byte);
    this.#isEscaped = true;
    return undefined;
  }

  #append(byte: number): SlipPart | undefined {
    if (this.#size === this.#frameMax) return this.#giveUp("too-long");
    if (this.#size === this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#size);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#size++] = byte;
    return undefined;
  }

  #giveUp(reason: "escape" | "too-long"): SlipPart {
    this.#isEscaped = false;
    return { type: "broken", reason, bytes: this.#end() };
  }

  #end(): Uint8Array {
    const bytes = this.#bytes.slice(0, this.#size);
    this.#size = 0;
    return bytes;
  }
}
