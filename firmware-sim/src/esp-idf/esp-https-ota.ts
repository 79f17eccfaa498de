import {
  APP_DESCRIPTOR_OFFSET,
  APP_IMAGE_HEADER_SIZE,
  APP_IMAGE_MAGIC,
  parseAppImageHeader,
} from "@tinybms/ota-core/esp";
import { toAppDescription } from "../boot/app-description.ts";
import { EspErr } from "../esp-err/esp-err.ts";
import type { AppContext, EspPartition } from "./app-context.ts";
import { esp_ota_check_image_validity } from "./esp-image.ts";
import { esp_ota_set_boot_partition } from "./esp-ota-boot.ts";
import { esp_ota_get_next_update_partition } from "./esp-ota-query.ts";
import {
  esp_ota_abort,
  esp_ota_begin,
  esp_ota_end,
  esp_ota_write,
  OTA_WITH_SEQUENTIAL_WRITES,
} from "./esp-ota-update.ts";

/** How many bytes have to be there before an image is looked at (`DEFAULT_OTA_BUF_SIZE`). */
const HEADER_READ_SIZE = 1024;

/** What the server answered at last, redirects and authorization being done with. */
export interface HttpsOtaResponse {
  readonly status: number;
  /** Bytes until the connection closed. */
  readonly body: Uint8Array;
  /** `Content-Length`; `undefined` as with chunked transfer, where the connection's end is the image's. */
  readonly contentLength?: number;
}

/**
 * `esp_https_ota`: one whole update from an answer to a GET, up to the selected slot. Does not reset.
 *
 * @param partition - Where to; `esp_ota_get_next_update_partition` without it.
 * @returns 0x7009 for 304, 0x700A for 416, ESP_FAIL for any other bad status, for fewer bytes than announced or than 1024;
 *   0x10A and 0x1508 for an image that may not run here, with nothing of it written; otherwise what `esp_ota_…` give.
 */
export function esp_https_ota(app: AppContext, response: HttpsOtaResponse, partition?: EspPartition): number {
  const refused = errorOfStatus(response.status);
  if (refused !== EspErr.ESP_OK) return refused;
  const target = partition ?? esp_ota_get_next_update_partition(app);
  const { err, handle = 0 } = esp_ota_begin(app, target, OTA_WITH_SEQUENTIAL_WRITES);
  if (err !== EspErr.ESP_OK || target === undefined) return err;
  const performed = perform(app, response, target, handle);
  if (performed !== EspErr.ESP_OK) {
    esp_ota_abort(app, handle);
    return performed;
  }
  const ended = esp_ota_end(app, handle);
  return ended === EspErr.ESP_OK ? esp_ota_set_boot_partition(app, target) : ended;
}

function perform(app: AppContext, response: HttpsOtaResponse, target: EspPartition, handle: number): number {
  const { body, contentLength = body.length } = response;
  if (body.length < HEADER_READ_SIZE) return EspErr.ESP_FAIL;
  // Its magic byte is looked at no sooner than by esp_ota_write.
  const header = parseAppImageHeader(body.slice(0, APP_IMAGE_HEADER_SIZE).with(0, APP_IMAGE_MAGIC));
  const descriptor = toAppDescription(body.subarray(APP_DESCRIPTOR_OFFSET));
  const invalid = esp_ota_check_image_validity(app, target.type, header, descriptor);
  if (invalid !== EspErr.ESP_OK) return invalid;
  for (let offset = 0; offset < body.length; offset += HEADER_READ_SIZE) {
    const written = esp_ota_write(app, handle, body.subarray(offset, offset + HEADER_READ_SIZE));
    if (written !== EspErr.ESP_OK) return written;
  }
  return body.length < contentLength ? EspErr.ESP_FAIL : EspErr.ESP_OK;
}

function errorOfStatus(status: number): number {
  if (status === 200 || status === 206) return EspErr.ESP_OK;
  if (status === 304) return EspErr.ESP_ERR_HTTP_NOT_MODIFIED;
  return status === 416 ? EspErr.ESP_ERR_HTTP_RANGE_NOT_SATISFIABLE : EspErr.ESP_FAIL;
}
