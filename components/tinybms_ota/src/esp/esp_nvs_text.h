// SPDX-License-Identifier: MIT
/**
 * A text in NVS that is replaced new before old. It is written in turns under two names, each text in as many strings as
 * it needs, with its number and their count in front of each: `12/3 ` and a part of the text. A power cut while ESP-IDF
 * marks a string's old form as erased can leave neither form readable; the other turn then still has the previous text.
 *
 * Same keys and forms as `stored-text.ts` of the simulator, so that each reads what the other wrote.
 */
#ifndef TBO_ESP_NVS_TEXT_H
#define TBO_ESP_NVS_TEXT_H

#include "esp_err.h"
#include "nvs.h"

#include <stddef.h>
#include <stdint.h>

/** Maximum number of characters of the text in one string. With its header, a string fills half a page of NVS. */
#define TBO_NVS_PIECE_MAX 1960u

/** Size of a buffer for one string: header, piece and zero. */
#define TBO_NVS_STRING_SIZE (TBO_NVS_PIECE_MAX + 16u)

/** A text and how many were stored before it. */
typedef struct {
  nvs_handle_t nvs;
  const char *name;  /**< At most 10 characters. */
  uint32_t number;   /**< Number of the newest text; 0 without a text. */
  char *string;      /**< Work space of TBO_NVS_STRING_SIZE bytes, shared between texts. */
} tbo_nvs_text_t;

/**
 * Finds the newest whole text.
 *
 * A text is whole if its first 8 characters are the CRC-32 of the rest, in hexadecimal digits.
 *
 * @param out  Receives the text with a zero at the end.
 * @param size Size of `out`. A text that does not fit counts as lost.
 * @return The length of the text; 0 without a text.
 */
size_t tbo_nvs_text_open(tbo_nvs_text_t *text, char *out, size_t size);

/**
 * Writes a text beside the previous one.
 *
 * @return ESP_OK, or the error of NVS; the previous text is then still stored.
 */
esp_err_t tbo_nvs_text_store(tbo_nvs_text_t *text, const char *value, size_t length);

#endif
