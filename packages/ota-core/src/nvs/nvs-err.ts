/**
 * ESP-IDF's error numbers that NVS returns (`esp_err.h`, `nvs.h`). A read of a key that has another type is NOT_FOUND,
 * never TYPE_MISMATCH: `Storage::findItem` keeps the difference to itself.
 */
export const NvsErr = {
  ESP_OK: 0,
  /** An internal assertion of NVS failed: the bytes contradict each other in a way that recovery doesn't handle. */
  ESP_FAIL: -1,
  ESP_ERR_NVS_NOT_FOUND: 0x1102,
  /** Inside NVS only: the key is in this page with another type. */
  ESP_ERR_NVS_TYPE_MISMATCH: 0x1103,
  /** A write through a handle that was opened read-only. */
  ESP_ERR_NVS_READ_ONLY: 0x1104,
  ESP_ERR_NVS_NOT_ENOUGH_SPACE: 0x1105,
  /** A key or namespace of more than 15 bytes. */
  ESP_ERR_NVS_KEY_TOO_LONG: 0x1109,
  /** Inside NVS only: the current page can't take the item. */
  ESP_ERR_NVS_PAGE_FULL: 0x110a,
  ESP_ERR_NVS_INVALID_STATE: 0x110b,
  /** No page is free, so nothing can be written. Applications answer with `nvs_flash_erase` and a new init. */
  ESP_ERR_NVS_NO_FREE_PAGES: 0x110d,
  /** A string of more than 4000 bytes with its NUL, or a blob that no number of pages here can hold. */
  ESP_ERR_NVS_VALUE_TOO_LONG: 0x110e,
  /** A page was written by a newer version of NVS. */
  ESP_ERR_NVS_NEW_VERSION_FOUND: 0x1110,
} as const;
