import { equalBytes, OtaError } from "@tinybms/ota-core";
import type { StubSession } from "../loader/stub-session.ts";
import type { FlashRange } from "./regions.ts";
import { flashMd5 } from "./stub-flash.ts";

/**
 * Ranges of flash that a write must not change, checked on a line that corrupts bytes.
 *
 * Only data blocks have a checksum. If another command's offset is corrupted, data is written to the wrong place. So after
 * the first lost or corrupted answer the MD5 of these ranges is measured, and it is compared at the end. On a line without
 * errors nothing is measured.
 */
export class KeptRanges {
  readonly #session: StubSession;
  readonly #ranges: readonly FlashRange[];
  #sums: readonly Uint8Array[] | undefined;

  constructor(session: StubSession, ranges: readonly FlashRange[]) {
    this.#session = session;
    this.#ranges = ranges;
  }

  /** Measures the ranges once, if an answer was lost or corrupted. */
  async watch(): Promise<void> {
    if (this.#session.disturbances > 0) this.#sums ??= await this.#measure();
  }

  /**
   * Checks that the ranges are unchanged since {@link watch} measured them.
   *
   * @throws {@link OtaError} `serial/damaged-elsewhere`.
   */
  async assertKept(): Promise<void> {
    const before = this.#sums;
    if (before === undefined) return;
    const now = await this.#measure();
    const index = before.findIndex((sum, at) => !equalBytes(sum, now[at] ?? sum));
    const offset = this.#ranges[index]?.offset;
    if (offset === undefined) return;
    const { port } = this.#session.link.line;
    const message = `corrupted bytes on the line made the loader on ${port} overwrite flash that should stay unchanged, in the range at 0x${offset.toString(16)}`;
    const hint = "flash everything again (flash --all) with a better cable, or at --baud 115200";
    throw new OtaError("serial/damaged-elsewhere", message, { port, offset }, { hint });
  }

  async #measure(): Promise<readonly Uint8Array[]> {
    const sums: Uint8Array[] = [];
    for (const { offset, size } of this.#ranges) {
      sums.push(await this.#session.withRetries((link) => flashMd5(link, offset, size)));
    }
    return sums;
  }
}
