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

/** Number of bytes received before the image is checked (`DEFAULT_OTA_BUF_SIZE`). */
const HEADER_READ_SIZE = 1024;

/** The server's final response, after redirects and authorization. */
export interface HttpsOtaResponse {
  readonly status: number;
  /** Bytes received until the connection closed. */
  readonly body: Uint8Array;
  /** `Content-Length`; `undefined` with chunked transfer, where the image ends with the connection. */
  readonly contentLength?: number;
}

/**
 * Performs an update from the response to a GET, and selects its slot (`esp_https_ota`). Does not reset.
 *
 * @param partition - Slot to write; by default `esp_ota_get_next_update_partition`.
 * @returns 0x7009 for status 304; 0x700A for 416; ESP_FAIL for any other bad status, and for fewer bytes than announced or
 *   than 1024; 0x10A or 0x1508, with nothing written, for an image that may not run here; otherwise the result of the
 *   failed `esp_ota_…` call.
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
  // esp_ota_write checks the magic byte.
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
