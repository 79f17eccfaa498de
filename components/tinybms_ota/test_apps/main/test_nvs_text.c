// SPDX-License-Identifier: MIT
#include "esp/esp_nvs_text.h"

#include "esp_rom_crc.h"
#include "unity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static char string[TBO_NVS_STRING_SIZE], value[5000], out[5000];

/** Makes a text of a length, with its check value in front. */
static void make(char letter, size_t length) {
  memset(value, letter, length);
  value[length] = '\0';
  char crc[9];
  snprintf(crc, sizeof crc, "%08" PRIx32, esp_rom_crc32_le(0, (const uint8_t *)value + 8, (uint32_t)length - 8));
  memcpy(value, crc, 8);
}

TEST_CASE("a text is read back after each store, whatever its length", "[nvs_text]") {
  const size_t lengths[] = {4000, 20, 1960, 1961, 9};
  tbo_nvs_text_t text = {.name = "test", .string = string};
  TEST_ESP_OK(nvs_open("tbo_test", NVS_READWRITE, &text.nvs));
  for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    tbo_nvs_text_open(&text, out, sizeof out);
    make((char)('a' + i), lengths[i]);
    TEST_ESP_OK(tbo_nvs_text_store(&text, value, lengths[i]));
    TEST_ASSERT_EQUAL(lengths[i], tbo_nvs_text_open(&text, out, sizeof out));
    TEST_ASSERT_EQUAL_STRING(value, out);
  }
  nvs_close(text.nvs);
}
