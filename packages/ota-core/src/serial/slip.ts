/** Byte that begins and ends a frame (`END` of RFC 1055). */
export const SLIP_END = 0xc0;
/** Byte that begins an escape: `DB DC` stands for C0, `DB DD` for DB. */
const ESCAPE = 0xdb;
const ESCAPED_END = 0xdc;
const ESCAPED_ESCAPE = 0xdd;

/** Default maximum size of a frame in a {@link SlipDecoder}, in bytes: twice the largest block. */
export const SLIP_FRAME_MAX = 0x8000;

/**
 * Encodes a frame with SLIP as Espressif's loaders use it: C0 before and after it, C0 and DB inside it escaped.
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

/** A part of the bytes on a line. */
export type SlipPart =
  /** A complete frame, unescaped, never empty. */
  | { readonly type: "frame"; readonly bytes: Uint8Array }
  /** Bytes outside frames: console text, or the rest of a damaged frame. */
  | { readonly type: "stray"; readonly bytes: Uint8Array }
  /** A dropped frame with an invalid escape or more bytes than the limit. The bytes after it are stray. */
  | { readonly type: "broken"; readonly reason: "escape" | "too-long"; readonly bytes: Uint8Array };

/**
 * Incremental decoder of SLIP frames in pieces of any size.
 *
 * Ignores empty frames, so that the next two C0 resynchronize the decoder after a lost one.
 */
export class SlipDecoder {
  readonly #frameMax: number;
  #isInside = false;
  #isEscaped = false;
  #bytes: Uint8Array = new Uint8Array(256);
  #size = 0;

  /** @param frameMax - Maximum size of a frame in bytes. @defaultValue {@link SLIP_FRAME_MAX} */
  constructor(frameMax: number = SLIP_FRAME_MAX) {
    this.#frameMax = frameMax;
  }

  /** Decodes the next bytes of the line. Returns the frames that end in them and the bytes between frames. */
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

  /** Drops an incomplete frame. */
  reset(): void {
    this.#isInside = false;
    this.#isEscaped = false;
    this.#size = 0;
  }

  /** Decodes one byte inside a frame. Returns the part that ends with it, if any. */
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
