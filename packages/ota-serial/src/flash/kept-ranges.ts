import { equalBytes, OtaError } from "@tinybms/ota-core";
import type { StubSession } from "../loader/stub-session.ts";
import type { FlashRange } from "./regions.ts";
import { flashMd5 } from "./stub-flash.ts";

/**
 * Pieces of a flash that a write must leave alone, watched on a line that spoils bytes.
 *
 * Of commands nothing but data blocks has a checksum: a spoilt offset sends the data elsewhere. So their MD5 is taken as
 * soon as anything was lost or spoilt, and compared in the end. A line without disturbances pays nothing.
 */
export class KeptRanges {
  readonly #session: StubSession;
  readonly #ranges: readonly FlashRange[];
  #sums: readonly Uint8Array[] | undefined;

  constructor(session: StubSession, ranges: readonly FlashRange[]) {
    this.#session = session;
    this.#ranges = ranges;
  }

  /** Begins to watch, if there has been a disturbance. */
  async watch(): Promise<void> {
    if (this.#session.disturbances > 0) this.#sums ??= await this.#measure();
  }

  /** @throws {@link OtaError} `serial/damaged-elsewhere`. */
  async assertKept(): Promise<void> {
    const before = this.#sums;
    if (before === undefined) return;
    const now = await this.#measure();
    const index = before.findIndex((sum, at) => !equalBytes(sum, now[at] ?? sum));
    const offset = this.#ranges[index]?.offset;
    if (offset === undefined) return;
    const { port } = this.#session.link.line;
    const message = `bytes that the line spoilt made the loader on ${port} write over what should stay, in the partition at 0x${offset.toString(16)}`;
    const hint = "flash everything anew (flash --all) with a better cable, or at --baud 115200";
    throw new OtaError("serial/damaged-elsewhere", message, { port, offset }, { hint });
  }

  async #measure(): Promise<readonly Uint8Array[]> {
    const sums: Uint8Array[] = [];
    for (const { offset, size } of this.#ranges) {
      sums.push(await this.#session.steadily((link) => flashMd5(link, offset, size)));
    }
    return sums;
  }
}
