// SPDX-License-Identifier: MIT
#include "fake.h"

#include "esp_image_format.h"
#include "esp_ota_ops.h"
#include "esp_rom_crc.h"
#include "esp_system.h"
#include "mbedtls/sha256.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_OFFSET 0x8000u
#define PARTITIONS_MAX 16u
#define SECTOR 4096u
#define SLOT(partition) ((uint32_t)(partition)->subtype - (uint32_t)ESP_PARTITION_SUBTYPE_APP_OTA_MIN)

static uint8_t *flash;
static size_t flash_size;
static esp_partition_t partitions[PARTITIONS_MAX];
static unsigned partition_count;
static const esp_partition_t *running;

static uint32_t word_at(size_t offset) {
  uint32_t word;
  memcpy(&word, flash + offset, sizeof word);
  return word;
}

static void load_table(void) {
  for (size_t at = TABLE_OFFSET; partition_count < PARTITIONS_MAX; at += 32) {
    if (flash[at] != 0xaa || flash[at + 1] != 0x50) return;
    esp_partition_t *partition = &partitions[partition_count++];
    *partition = (esp_partition_t){
        .type = (esp_partition_type_t)flash[at + 2],
        .subtype = (esp_partition_subtype_t)flash[at + 3],
        .address = word_at(at + 4),
        .size = word_at(at + 8),
        .erase_size = SECTOR,
    };
    memcpy(partition->label, flash + at + 12, 16);
  }
}

bool fake_flash_load(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) return false;
  flash_size = (size_t)ftell(file);
  rewind(file);
  flash = malloc(flash_size);
  const bool is_read = flash != NULL && fread(flash, 1, flash_size, file) == flash_size;
  fclose(file);
  if (is_read) load_table();
  return is_read;
}

bool fake_flash_save(const char *path) {
  FILE *file = fopen(path, "wb");
  if (file == NULL) return false;
  const bool is_written = fwrite(flash, 1, flash_size, file) == flash_size;
  return fclose(file) == 0 && is_written;
}

bool fake_flash_run(const char *label) {
  for (unsigned i = 0; i < partition_count; i++) {
    if (strcmp(partitions[i].label, label) == 0) running = &partitions[i];
  }
  return running != NULL;
}

const esp_partition_t *esp_partition_find_first(esp_partition_type_t type, esp_partition_subtype_t subtype, const char *label) {
  (void)label;
  for (unsigned i = 0; i < partition_count; i++) {
    if (partitions[i].type == type && partitions[i].subtype == subtype) return &partitions[i];
  }
  return NULL;
}

static bool is_inside(const esp_partition_t *partition, size_t offset, size_t size) {
  return offset <= partition->size && size <= partition->size - offset;
}

esp_err_t esp_partition_read(const esp_partition_t *partition, size_t offset, void *to, size_t size) {
  if (!is_inside(partition, offset, size)) return ESP_ERR_INVALID_SIZE;
  memcpy(to, flash + partition->address + offset, size);
  return ESP_OK;
}

esp_err_t esp_partition_write(const esp_partition_t *partition, size_t offset, const void *from, size_t size) {
  if (!is_inside(partition, offset, size)) return ESP_ERR_INVALID_SIZE;
  const uint8_t *bytes = from;
  for (size_t i = 0; i < size; i++) flash[partition->address + offset + i] &= bytes[i];
  return ESP_OK;
}

esp_err_t esp_partition_erase_range(const esp_partition_t *partition, size_t offset, size_t size) {
  if (!is_inside(partition, offset, size)) return ESP_ERR_INVALID_SIZE;
  if (offset % SECTOR != 0 || size % SECTOR != 0) return ESP_ERR_INVALID_ARG;
  memset(flash + partition->address + offset, 0xff, size);
  return ESP_OK;
}

/* Images: header, segments, checksum and appended hash. Chip, revision and signatures are not judged. */

esp_err_t esp_image_get_metadata(const esp_partition_pos_t *part, esp_image_metadata_t *metadata) {
  memcpy(&metadata->image, flash + part->offset, sizeof metadata->image);
  if (metadata->image.magic != 0xe9 || metadata->image.segment_count > 16) return ESP_ERR_IMAGE_INVALID;
  uint32_t at = (uint32_t)sizeof metadata->image;
  for (unsigned i = 0; i < metadata->image.segment_count; i++) {
    if (at + 8u > part->size) return ESP_ERR_IMAGE_INVALID;
    const uint32_t length = word_at(part->offset + at + 4u);
    if (length % 4u != 0 || length > part->size - at - 8u) return ESP_ERR_IMAGE_INVALID;
    at += 8u + length;
  }
  metadata->image_len = (at + 16u) / 16u * 16u + (metadata->image.hash_appended != 0 ? 32u : 0u);
  return metadata->image_len <= part->size ? ESP_OK : ESP_ERR_IMAGE_INVALID;
}

esp_err_t esp_image_verify(esp_image_load_mode_t mode, const esp_partition_pos_t *part, esp_image_metadata_t *data) {
  (void)mode;
  const esp_err_t err = esp_image_get_metadata(part, data);
  if (err != ESP_OK) return err;
  const uint32_t end = data->image_len - (data->image.hash_appended != 0 ? 32u : 0u);
  uint8_t checksum = 0xef;
  uint32_t at = (uint32_t)sizeof data->image;
  for (unsigned i = 0; i < data->image.segment_count; i++) {
    const uint32_t length = word_at(part->offset + at + 4u);
    for (uint32_t j = 0; j < length; j++) checksum ^= flash[part->offset + at + 8u + j];
    at += 8u + length;
  }
  if (flash[part->offset + end - 1u] != checksum) return ESP_ERR_IMAGE_INVALID;
  if (data->image.hash_appended == 0) return ESP_OK;
  mbedtls_sha256_context hash;
  uint8_t digest[32];
  mbedtls_sha256_init(&hash);
  mbedtls_sha256_starts(&hash, 0);
  mbedtls_sha256_update(&hash, flash + part->offset, end);
  mbedtls_sha256_finish(&hash, digest);
  return memcmp(digest, flash + part->offset + end, 32) == 0 ? ESP_OK : ESP_ERR_IMAGE_INVALID;
}

static bool is_bootable(const esp_partition_t *partition) {
  esp_image_metadata_t metadata;
  const esp_partition_pos_t position = {partition->address, partition->size};
  return esp_image_verify(ESP_IMAGE_VERIFY, &position, &metadata) == ESP_OK;
}

/* otadata, as ESP-IDF from v6.0 on treats it. */

typedef struct {
  const esp_partition_t *partition;
  esp_ota_select_entry_t entries[2];
  int active;
  uint32_t count;
} otadata_t;

static uint32_t crc_of(uint32_t sequence) {
  return esp_rom_crc32_le(UINT32_MAX, (const uint8_t *)&sequence, sizeof sequence);
}

static bool is_valid(const esp_ota_select_entry_t *entry) {
  const bool is_bad = entry->ota_state == ESP_OTA_IMG_INVALID || entry->ota_state == ESP_OTA_IMG_ABORTED;
  return entry->ota_seq != UINT32_MAX && !is_bad && entry->crc == crc_of(entry->ota_seq);
}

static bool read_otadata(otadata_t *otadata) {
  otadata->partition = esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_OTA, NULL);
  if (otadata->partition == NULL) return false;
  for (unsigned i = 0; i < 2; i++) {
    esp_partition_read(otadata->partition, i * SECTOR, &otadata->entries[i], sizeof otadata->entries[i]);
  }
  const bool first = is_valid(&otadata->entries[0]), second = is_valid(&otadata->entries[1]);
  const bool is_second_later = otadata->entries[1].ota_seq > otadata->entries[0].ota_seq;
  otadata->active = first && second ? (is_second_later ? 1 : 0) : first ? 0 : second ? 1 : -1;
  otadata->count = esp_ota_get_app_partition_count();
  return true;
}

static esp_err_t write_entry(const otadata_t *otadata, int index, uint32_t sequence, uint32_t state) {
  esp_ota_select_entry_t entry = otadata->entries[index];
  entry.ota_seq = sequence;
  entry.ota_state = state;
  entry.crc = crc_of(sequence);
  esp_partition_erase_range(otadata->partition, (size_t)index * SECTOR, SECTOR);
  return esp_partition_write(otadata->partition, (size_t)index * SECTOR, &entry, sizeof entry);
}

static const esp_partition_t *slot(uint32_t number) {
  return esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_OTA(number), NULL);
}

uint8_t esp_ota_get_app_partition_count(void) {
  uint8_t count = 0;
  while (count < 16 && slot(count) != NULL) count++;
  return count;
}

const esp_partition_t *esp_ota_get_running_partition(void) {
  return running;
}

const esp_partition_t *esp_ota_get_boot_partition(void) {
  otadata_t otadata;
  if (!read_otadata(&otadata)) return NULL;
  if (otadata.active >= 0) return slot((otadata.entries[otadata.active].ota_seq - 1u) % otadata.count);
  const esp_partition_t *factory = esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_APP_FACTORY, NULL);
  return factory != NULL ? factory : slot(0);
}

const esp_partition_t *esp_ota_get_next_update_partition(const esp_partition_t *start_from) {
  (void)start_from;
  const uint32_t count = esp_ota_get_app_partition_count();
  if (count == 0) return NULL;
  return running->subtype < ESP_PARTITION_SUBTYPE_APP_OTA_MIN ? slot(0) : slot((SLOT(running) + 1u) % count);
}

esp_err_t esp_ota_get_partition_description(const esp_partition_t *partition, esp_app_desc_t *description) {
  memcpy(description, flash + partition->address + 32, sizeof *description);
  return description->magic_word == 0xabcd5432 ? ESP_OK : ESP_ERR_NOT_FOUND;
}

const esp_app_desc_t *esp_app_get_description(void) {
  static esp_app_desc_t description;
  esp_ota_get_partition_description(running, &description);
  return &description;
}

esp_err_t esp_ota_get_state_partition(const esp_partition_t *partition, esp_ota_img_states_t *state) {
  otadata_t otadata;
  if (partition->subtype < ESP_PARTITION_SUBTYPE_APP_OTA_MIN) return ESP_ERR_NOT_SUPPORTED;
  if (!read_otadata(&otadata)) return ESP_ERR_NOT_FOUND;
  for (unsigned i = 0; i < 2; i++) {
    const esp_ota_select_entry_t *entry = &otadata.entries[i];
    if (entry->ota_seq == UINT32_MAX || entry->crc != crc_of(entry->ota_seq)) continue;
    if ((entry->ota_seq - 1u) % otadata.count != SLOT(partition)) continue;
    *state = (esp_ota_img_states_t)entry->ota_state;
    return ESP_OK;
  }
  return ESP_ERR_NOT_FOUND;
}

esp_err_t esp_ota_set_boot_partition(const esp_partition_t *partition) {
  otadata_t otadata;
  if (!is_bootable(partition)) return ESP_ERR_OTA_VALIDATE_FAILED;
  if (!read_otadata(&otadata)) return ESP_ERR_NOT_FOUND;
  if (partition->subtype == ESP_PARTITION_SUBTYPE_APP_FACTORY) {
    return esp_partition_erase_range(otadata.partition, 0, otadata.partition->size);
  }
  const uint32_t number = SLOT(partition);
  if (otadata.active < 0) return write_entry(&otadata, 0, number + 1u, ESP_OTA_IMG_NEW);
  uint32_t sequence = otadata.entries[otadata.active].ota_seq;
  if ((sequence - 1u) % otadata.count == number) return write_entry(&otadata, otadata.active, sequence, ESP_OTA_IMG_NEW);
  while ((sequence - 1u) % otadata.count != number) sequence++;
  return write_entry(&otadata, 1 - otadata.active, sequence, ESP_OTA_IMG_NEW);
}

esp_err_t esp_ota_mark_app_valid_cancel_rollback(void) {
  otadata_t otadata;
  if (!read_otadata(&otadata)) return ESP_ERR_NOT_FOUND;
  if (otadata.active < 0) return ESP_FAIL;
  const esp_ota_select_entry_t *entry = &otadata.entries[otadata.active];
  if (entry->ota_state == ESP_OTA_IMG_VALID) return ESP_OK;
  return write_entry(&otadata, otadata.active, entry->ota_seq, ESP_OTA_IMG_VALID);
}

esp_err_t esp_ota_mark_app_invalid_rollback_and_reboot(void) {
  otadata_t otadata;
  if (!read_otadata(&otadata)) return ESP_ERR_NOT_FOUND;
  if (otadata.active < 0) return ESP_FAIL;
  const esp_ota_select_entry_t *other = &otadata.entries[1 - otadata.active];
  const esp_partition_t *former = is_valid(other) ? slot((other->ota_seq - 1u) % otadata.count) : NULL;
  if (former == NULL || !is_bootable(former)) return ESP_ERR_OTA_ROLLBACK_FAILED;
  write_entry(&otadata, otadata.active, otadata.entries[otadata.active].ota_seq, ESP_OTA_IMG_INVALID);
  esp_restart();
}
