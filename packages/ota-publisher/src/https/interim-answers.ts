/** Longest interim answer to skip, in bytes. */
const INTERIM_SIZE_MAX = 16 * 1024;

const START = "HTTP/1.1 1";

/**
 * Skips interim answers (1xx, RFC 9110 section 15.2), which a server may send before the final one. undici would close
 * the connection at `100 Continue`. Status 101 is not skipped, because it ends HTTP on the connection.
 */
export class InterimAnswers {
  #held: Buffer = Buffer.alloc(0);
  #isFinal = true;

  /** Starts a request, whose answer may have interim ones before it. */
  begin(): void {
    this.#held = Buffer.alloc(0);
    this.#isFinal = false;
  }

  /** Returns the bytes of a chunk that belong to the final answer. */
  strip(chunk: Buffer): Buffer {
    if (this.#isFinal) return chunk;
    let rest = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    while (isInterim(rest)) {
      const end = rest.indexOf("\r\n\r\n");
      if (end < 0 && rest.length <= INTERIM_SIZE_MAX) {
        this.#held = rest;
        return Buffer.alloc(0);
      }
      if (end < 0) break;
      rest = rest.subarray(end + 4);
      if (rest.length === 0) {
        this.#held = Buffer.alloc(0);
        return rest;
      }
    }
    this.#isFinal = true;
    return rest;
  }
}

/** Returns `true` if bytes begin an interim answer, or may do so once more bytes have arrived. */
function isInterim(bytes: Buffer): boolean {
  const head = bytes.toString("latin1", 0, START.length + 2);
  if (head.length < START.length + 2) return START.startsWith(head.slice(0, START.length)) || head.startsWith(START);
  return head.startsWith(START) && head !== `${START}01`;
}
