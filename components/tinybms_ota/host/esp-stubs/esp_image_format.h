// SPDX-License-Identifier: MIT
// Stand-in for ESP-IDF's header of this name: the names that the port uses, as the documentation of ESP-IDF states them.
#pragma once
#include "esp_err.h"
#include "esp_flash_partitions.h"
#include <stdint.h>
#define ESP_ERR_IMAGE_INVALID 0x2002
typedef struct {
  uint8_t magic, segment_count, spi_mode, spi_speed_and_size;
  uint32_t entry_addr;
  uint8_t wp_pin, spi_pin_drv[3];
  uint16_t chip_id;
  uint8_t min_chip_rev;
  uint16_t min_chip_rev_full, max_chip_rev_full;
  uint8_t reserved[4];
  uint8_t hash_appended;
} __attribute__((packed)) esp_image_header_t;
typedef struct {
  esp_image_header_t image;
  uint32_t image_len;
} esp_image_metadata_t;
typedef enum { ESP_IMAGE_VERIFY, ESP_IMAGE_VERIFY_SILENT } esp_image_load_mode_t;
esp_err_t esp_image_verify(esp_image_load_mode_t mode, const esp_partition_pos_t *part, esp_image_metadata_t *data);
esp_err_t esp_image_get_metadata(const esp_partition_pos_t *part, esp_image_metadata_t *metadata);
