import { verifyImage } from "../boot/verify-image.ts";
import type { AppContext, EspPartition } from "./app-context.ts";
import { EspErr } from "./esp-err.ts";

/**
 * `esp_image_verify` of an app partition.
 *
 * @returns ESP_OK, 0x102, 0x2002, -1 or a flash error; `verifyImage` says when.
 * @throws EspAbort with anti-rollback, where the image has no app descriptor.
 */
export function esp_image_verify(app: AppContext, partition: EspPartition): number {
  const range = { offset: partition.address, sizeBytes: partition.size };
  const { antiRollback } = app.options;
  const result = verifyImage(app.flash, range, app.chip, app.efuse, { environment: "app", antiRollback });
  return result.kind === "valid" ? EspErr.ESP_OK : result.err;
}
