import { NvsErr } from "@tinybms/ota-core/esp";

/** Error numbers that NVS doesn't return. */
const OTHERS = {
  ESP_ERR_INVALID_ARG: 0x102,
  ESP_ERR_INVALID_STATE: 0x103,
  ESP_ERR_INVALID_SIZE: 0x104,
  ESP_ERR_NOT_FOUND: 0x105,
  ESP_ERR_NOT_SUPPORTED: 0x106,
  ESP_ERR_INVALID_VERSION: 0x10a,
  ESP_ERR_NOT_ALLOWED: 0x10d,

  ESP_ERR_NVS_PART_NOT_FOUND: 0x110f,

  ESP_ERR_OTA_PARTITION_CONFLICT: 0x1501,
  ESP_ERR_OTA_VALIDATE_FAILED: 0x1503,
  ESP_ERR_OTA_SMALL_SEC_VER: 0x1504,
  ESP_ERR_OTA_ROLLBACK_FAILED: 0x1505,
  ESP_ERR_OTA_ROLLBACK_INVALID_STATE: 0x1506,
  ESP_ERR_OTA_ALREADY_IN_PROGRESS: 0x1507,
  ESP_ERR_OTA_SPI_MODE_MISMATCH: 0x1508,

  ESP_ERR_IMAGE_INVALID: 0x2002,

  ESP_ERR_FLASH_OP_FAIL: 0x6001,

  ESP_ERR_HTTP_NOT_MODIFIED: 0x7009,
  ESP_ERR_HTTP_RANGE_NOT_SATISFIABLE: 0x700a,
} as const;

/**
 * ESP-IDF's error numbers that this simulator returns, by name (`esp_err_t` is an int32).
 *
 * Sources: `esp_err.h`, `esp_ota_ops.h`, `esp_image_format.h`, `esp_efuse.h`, `esp_flash_err.h`, `nvs.h`,
 * `esp_http_client.h`, `esp_https_ota.h`.
 */
export const EspErr: typeof NvsErr & typeof OTHERS = { ...NvsErr, ...OTHERS };

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(EspErr).map(([name, value]) => [value, name]));

/**
 * Returns the name of an error number, as `esp_err_to_name` does.
 *
 * @returns `UNKNOWN ERROR 0x…` for a number without a name.
 */
export function espErrName(err: number): string {
  return NAMES.get(err) ?? `UNKNOWN ERROR 0x${(err >>> 0).toString(16)}`;
}
