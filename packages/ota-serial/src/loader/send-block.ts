import { isOtaError } from "@tinybms/ota-core";
import { LoaderOp, LoaderStatus } from "@tinybms/ota-core/serial";
import type { LoaderLink } from "./loader-link.ts";

/** Number of times to send a block that the loader reports as corrupted. */
const BLOCK_ATTEMPTS = 8;

/** Statuses for a corrupted block, which the loader has dropped. */
const DAMAGED: readonly number[] = [
  LoaderStatus.ROM_CHECKSUM,
  LoaderStatus.STUB_CHECKSUM,
  LoaderStatus.STUB_DATA_LENGTH,
];

/**
 * Sends a data block. Sends it again only if the loader reports that it dropped the block: after a lost answer, a second
 * copy might be written twice.
 *
 * @param request - Result of `buildLoaderBlock`.
 */
export async function sendBlock(
  link: LoaderLink,
  name: "MEM_DATA" | "FLASH_DEFL_DATA",
  request: Uint8Array,
  timeoutMs: number,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await link.exchange(name, LoaderOp[name], request, { timeoutMs });
      return;
    } catch (error) {
      const isDamaged = isOtaError(error, "serial/loader-refused") && DAMAGED.includes(error.details.status);
      if (!isDamaged || attempt === BLOCK_ATTEMPTS) throw error;
    }
  }
}
