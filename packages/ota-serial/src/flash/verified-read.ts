import { OtaError } from "@tinybms/ota-core";
import { isDisturbance } from "../loader/disturbance.ts";
import type { StubSession } from "../loader/stub-session.ts";
import { SECTOR_SIZE } from "./regions.ts";
import { readFlash } from "./stub-flash.ts";
import type { OnFlashProgress } from "./verified-write.ts";

/** Bytes to read at once: first value first, the next one after each failure. */
const READ_SIZES: readonly number[] = [0x4_0000, 0x8000, 0x1000];

/** Consecutive failures after which reading stops. */
const READ_FAILURES_MAX = 12;

/**
 * Reads a range of the flash and verifies each piece with the board's MD5.
 *
 * @throws {@link OtaError} `serial/read-failed`.
 * @throws {@link OtaError} `serial/port-lost`.
 */
export async function readVerified(
  session: StubSession,
  offset: number,
  size: number,
  onProgress: OnFlashProgress,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let [done, failures, slowness] = [0, 0, 0];
  while (done < size) {
    const piece = Math.min(READ_SIZES[slowness] ?? SECTOR_SIZE, size - done);
    const base = done;
    try {
      const read = await readFlash(session.link, offset + base, piece, (count) =>
        onProgress({ step: "read", done: base + count, total: size }),
      );
      bytes.set(read, base);
      done += piece;
      failures = 0;
    } catch (cause) {
      if (!isDisturbance(cause)) throw cause;
      if (++failures === READ_FAILURES_MAX) throw readFailed(session.link.line.port, offset + base, cause);
      slowness = Math.min(slowness + 1, READ_SIZES.length - 1);
      await session.recover();
    }
  }
  return bytes;
}

function readFailed(port: string, offset: number, cause: unknown): OtaError<"serial/read-failed"> {
  const message = `reading the flash of the board on ${port} failed repeatedly at 0x${offset.toString(16)}`;
  const hint = "try --baud 115200, a shorter cable, or another USB port";
  return new OtaError("serial/read-failed", message, { port, offset }, { cause, hint });
}
