/** Longest interim answer that is read over, in bytes. */
const INTERIM_SIZE_MAX = 16 * 1024;

const START = "HTTP/1.1 1";

/**
 * Reads over interim answers (1xx, RFC 9110 section 15.2), which any server may send before the final one. undici ends the
 * connection when it meets `100 Continue`. An answer of 101 is none of these: it ends HTTP on the connection.
 */
export class InterimAnswers {
  #held: Buffer = Buffer.alloc(0);
  #isFinal = true;

  /** A request begins: its answer may have interim ones before it. */
  begin(): void {
    this.#held = Buffer.alloc(0);
    this.#isFinal = false;
  }

  /** Takes bytes from the server, and returns those that belong to the final answer. */
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

/** Whether bytes begin an interim answer, or may do so when more have come. */
function isInterim(bytes: Buffer): boolean {
  const head = bytes.toString("latin1", 0, START.length + 2);
  if (head.length < START.length + 2) return START.startsWith(head.slice(0, START.length)) || head.startsWith(START);
  return head.startsWith(START) && head !== `${START}01`;
}
