import { isOtaError } from "@tinybms/ota-core";
import { LoaderOp, LoaderStatus } from "@tinybms/ota-core/serial";
import type { LoaderLink } from "./loader-link.ts";

/** Times a block is sent while the loader says that it came damaged. */
const BLOCK_ATTEMPTS = 8;

/** By these statuses a loader says that it has dropped a block that came damaged, and done nothing. */
const DAMAGED: readonly number[] = [
  LoaderStatus.ROM_CHECKSUM,
  LoaderStatus.STUB_CHECKSUM,
  LoaderStatus.STUB_DATA_LENGTH,
];

/**
 * Sends a block of data. It is sent again only where the loader says that it dropped it: one sent again after a lost
 * answer would count twice.
 *
 * @param request - From `buildLoaderBlock`.
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
