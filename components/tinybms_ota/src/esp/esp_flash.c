// SPDX-License-Identifier: MIT
#include "esp_flash.h"

#include "esp_crypto.h"
#include "esp_otadata_repair.h"

#include "esp_app_desc.h"
#include "esp_image_format.h"
#include "esp_ota_ops.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "nvs.h"

#include <string.h>

#define SECTOR_SIZE 4096u
#define ENCRYPTION_BLOCK_SIZE 16u
#define BYTES_BEFORE_YIELD 65536u
#define SIGNATURE_BLOCK_SIZE 1216u
#define SIGNATURE_MAGIC 0xe7u

/** One pass over a partition. */
typedef struct {
  const esp_partition_t *partition;
  tbo_esp_sha256_t hash;
  uint32_t at;
  uint32_t stored_length;
  uint8_t *stored;
  uint8_t *sector;
} pass_t;

static bool digest_so_far(const tbo_esp_sha256_t *hash, uint8_t digest[32]) {
  tbo_esp_sha256_t copy;
  if (tbo_esp_sha256_copy(hash, &copy)) return tbo_esp_sha256_end(&copy, digest);
  tbo_esp_sha256_abort(&copy);
  return false;
}

/** Hashes up to an offset. Notes the digest at `stored_length` on the way. */
static esp_err_t hash_up_to(pass_t *pass, uint32_t end) {
  while (pass->at < end) {
    uint32_t length = end - pass->at < SECTOR_SIZE ? end - pass->at : SECTOR_SIZE;
    const bool is_before = pass->at < pass->stored_length;
    if (is_before && pass->stored_length - pass->at < length) length = pass->stored_length - pass->at;
    const esp_err_t err = esp_partition_read(pass->partition, pass->at, pass->sector, length);
    if (err != ESP_OK) return err;
    if (!tbo_esp_sha256_update(&pass->hash, pass->sector, length)) return ESP_FAIL;
    pass->at += length;
    if (pass->at == pass->stored_length && !digest_so_far(&pass->hash, pass->stored)) return ESP_FAIL;
    // Tasks of lower priority, the idle task among them, get their turn.
    if (pass->at % BYTES_BEFORE_YIELD == 0) vTaskDelay(1);
  }
  return ESP_OK;
}

/** Returns whether a signature sector signs the image with the given SHA-256. */
static bool is_signature_of(const uint8_t *block, const uint8_t digest[32]) {
  const bool is_rsa = block[1] == 2;
  const bool is_p192_or_p256 = block[1] == 3 && block[2] == 0 && (block[36] == 1 || block[36] == 2);
  return block[0] == SIGNATURE_MAGIC && (is_rsa || is_p192_or_p256) && memcmp(block + 4, digest, 32) == 0;
}

static esp_err_t measure(pass_t *pass, uint32_t image_length, uint8_t sha256[32]) {
  const uint32_t sector_offset = (image_length + SECTOR_SIZE - 1u) / SECTOR_SIZE * SECTOR_SIZE;
  esp_err_t err = hash_up_to(pass, image_length);
  if (err != ESP_OK) return err;
  if (!digest_so_far(&pass->hash, sha256)) return ESP_FAIL;
  if (pass->partition->size < SECTOR_SIZE || sector_offset > pass->partition->size - SECTOR_SIZE) return ESP_OK;
  uint8_t padded[32];
  err = hash_up_to(pass, sector_offset);
  if (err != ESP_OK) return err;
  if (!digest_so_far(&pass->hash, padded)) return ESP_FAIL;
  err = esp_partition_read(pass->partition, sector_offset, pass->sector, SIGNATURE_BLOCK_SIZE);
  if (err != ESP_OK || !is_signature_of(pass->sector, padded)) return err;
  err = hash_up_to(pass, sector_offset + SECTOR_SIZE);
  return err != ESP_OK || digest_so_far(&pass->hash, sha256) ? err : ESP_FAIL;
}

esp_err_t tbo_esp_measure_image(const esp_partition_t *partition, uint32_t image_length, uint8_t sha256[32],
                                uint32_t stored_length, uint8_t stored[32], uint8_t sector[TBO_CHUNK_SIZE]) {
  pass_t pass = {.partition = partition, .stored_length = stored_length, .stored = stored, .sector = sector};
  if (image_length > partition->size || stored_length > partition->size) return ESP_ERR_INVALID_SIZE;
  esp_err_t err = tbo_esp_sha256_begin(&pass.hash) ? measure(&pass, image_length, sha256) : ESP_FAIL;
  if (err == ESP_OK) err = hash_up_to(&pass, stored_length);
  tbo_esp_sha256_abort(&pass.hash);
  return err;
}

/** On encrypted flash, the end of an image is padded to a whole block with what erased flash has. */
static esp_err_t program(tbo_esp_flash_t *flash, const tbo_esp_request_t *request) {
  const uint32_t excess = flash->target->encrypted ? request->length % ENCRYPTION_BLOCK_SIZE : 0;
  if (excess == 0) return esp_partition_write(flash->target, request->offset, request->bytes, request->length);
  const uint32_t padded = request->length + ENCRYPTION_BLOCK_SIZE - excess;
  if (padded > sizeof flash->sector) return ESP_ERR_INVALID_SIZE;
  memset(flash->sector, 0xff, padded);
  memcpy(flash->sector, request->bytes, request->length);
  return esp_partition_write(flash->target, request->offset, flash->sector, padded);
}

/**
 * Hashes the image as it is stored, and checks it with ESP-IDF. `esp_image_verify` reads it a second time: no function
 * of ESP-IDF does both.
 */
static esp_err_t verify_image(tbo_esp_flash_t *flash, uint32_t stored_length) {
  const esp_partition_pos_t position = {.offset = flash->target->address, .size = flash->target->size};
  esp_image_metadata_t metadata;
  esp_app_desc_t description;
  tbo_image_t *image = &flash->image;
  memset(image, 0, sizeof *image);
  memset(flash->project_name, 0, sizeof flash->project_name);
  image->project_name = flash->project_name;
  image->esp_err = esp_image_verify(ESP_IMAGE_VERIFY, &position, &metadata);
  const uint32_t length = image->esp_err == ESP_OK ? metadata.image_len : stored_length;
  const esp_err_t err = tbo_esp_measure_image(flash->target, length, image->sha256, stored_length,
                                              image->stored_sha256, flash->sector);
  if (err != ESP_OK || image->esp_err != ESP_OK) return err;
  image->chip_id = (uint32_t)metadata.image.chip_id;
  if (esp_ota_get_partition_description(flash->target, &description) == ESP_OK) {
    memcpy(flash->project_name, description.project_name, sizeof description.project_name);
    image->secure_version = description.secure_version;
  }
  return ESP_OK;
}

/** Sets the target to boot, once there is a way back from it. */
static esp_err_t set_boot(const tbo_esp_flash_t *flash) {
  esp_err_t err = tbo_esp_deselect(flash->target);
  if (err != ESP_OK) return err;
  // Without its record a device could start a bad image again and again.
  if (flash->is_record_lost) return ESP_ERR_NVS_NOT_ENOUGH_SPACE;
  // After a reset that nobody requested, cells of the entry may read right now and wrong later.
  if (!flash->is_reset_clean || !tbo_esp_is_running_recorded()) err = tbo_esp_record_running();
  return err == ESP_OK ? esp_ota_set_boot_partition(flash->target) : err;
}

static esp_err_t erase(const tbo_esp_flash_t *flash, uint32_t offset) {
  // A half-written image must not be the one that otadata selects.
  const esp_err_t err = offset == 0 ? tbo_esp_deselect(flash->target) : ESP_OK;
  return err == ESP_OK ? esp_partition_erase_range(flash->target, offset, SECTOR_SIZE) : err;
}

static esp_err_t run(tbo_esp_flash_t *flash, const tbo_esp_request_t *request) {
  // Both go by the active entry, which after a fall-back is not the running image's.
  if (request->operation == TBO_FLASH_MARK_VALID) {
    return tbo_esp_is_running_selected() ? esp_ota_mark_app_valid_cancel_rollback() : ESP_ERR_INVALID_STATE;
  }
  if (request->operation == TBO_FLASH_ROLL_BACK) {
    return tbo_esp_is_running_selected() ? esp_ota_mark_app_invalid_rollback_and_reboot() : ESP_ERR_INVALID_STATE;
  }
  if (flash->target == NULL) return ESP_ERR_NOT_FOUND;
  switch (request->operation) {
    case TBO_FLASH_READ:
      if (request->length > sizeof flash->sector) return ESP_ERR_INVALID_SIZE;
      return esp_partition_read(flash->target, request->offset, flash->sector, request->length);
    case TBO_FLASH_ERASE:
      return erase(flash, request->offset);
    case TBO_FLASH_PROGRAM:
      return program(flash, request);
    case TBO_FLASH_VERIFY_IMAGE:
      return verify_image(flash, request->length);
    case TBO_FLASH_INVALIDATE_OTADATA:
      return tbo_esp_invalidate_inactive_entry();
    case TBO_FLASH_SET_BOOT:
      return set_boot(flash);
    default:
      return ESP_ERR_NOT_SUPPORTED;
  }
}

void tbo_esp_flash_run(tbo_esp_flash_t *flash, const tbo_esp_request_t *request, tbo_flash_answer_t *answer) {
  memset(answer, 0, sizeof *answer);
  answer->operation = request->operation;
  answer->esp_err = run(flash, request);
  if (answer->esp_err != ESP_OK) return;
  if (request->operation == TBO_FLASH_READ) answer->bytes = (tbo_piece_t){flash->sector, request->length};
  if (request->operation == TBO_FLASH_VERIFY_IMAGE) answer->image = &flash->image;
}
