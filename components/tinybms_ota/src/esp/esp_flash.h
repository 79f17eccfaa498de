// SPDX-License-Identifier: MIT
/** Flash operations of the machine, carried out by `esp_partition_*` and `esp_ota_*`. */
#ifndef TBO_ESP_FLASH_H
#define TBO_ESP_FLASH_H

#include "tinybms_ota.h"

#include "esp_err.h"
#include "esp_partition.h"

#include <stdbool.h>
#include <stdint.h>

/** An operation that the machine requested. */
typedef struct {
  tbo_flash_t operation;
  uint32_t offset;
  uint32_t length;
  const uint8_t *bytes; /**< Of TBO_FLASH_PROGRAM. */
} tbo_esp_request_t;

/** Data for the operations. */
typedef struct {
  const esp_partition_t *target; /**< Slot of the update; NULL without a slot. */
  bool is_reset_clean;           /**< The last reset was requested by software. */
  bool is_record_lost;           /**< The last record could not be stored: the switch is refused. */
  uint8_t sector[TBO_CHUNK_SIZE];
  tbo_image_t image;
  char project_name[33];
} tbo_esp_flash_t;

/**
 * Carries out an operation.
 *
 * @param answer Points into `flash`.
 */
void tbo_esp_flash_run(tbo_esp_flash_t *flash, const tbo_esp_request_t *request, tbo_flash_answer_t *answer);

/**
 * Measures the image in a partition as ESP-IDF does when it runs: its bytes and, if one follows that signs this image,
 * its signature sector. A larger signed image that was there before may have left its own sector.
 *
 * Signatures by ECDSA P-384 are not recognized.
 *
 * @param image_length Length of the image up to the end of its checksum or hash.
 * @param stored       Receives the SHA-256 of the first `stored_length` bytes, in the same pass.
 * @param stored_length 0: `stored` is not used.
 * @param sector       Work space.
 */
esp_err_t tbo_esp_measure_image(const esp_partition_t *partition, uint32_t image_length, uint8_t sha256[32],
                                uint32_t stored_length, uint8_t stored[32], uint8_t sector[TBO_CHUNK_SIZE]);

#endif
