// SPDX-License-Identifier: MIT
#include "esp_otadata_repair.h"

#include "esp_flash_partitions.h"
#include "esp_ota_ops.h"
#include "esp_rom_crc.h"

#include <stdint.h>

#define SECTOR_SIZE 4096u
#define NO_ENTRY (-1)

/** Both entries of otadata, as an `esp_ota_*` function reads them at its start. */
typedef struct {
  const esp_partition_t *partition;
  esp_ota_select_entry_t entries[2];
  int active; /**< The entry that counts, as the bootloader judges it, or NO_ENTRY. */
  uint32_t slot_count;
} select_t;

static uint32_t crc_of(uint32_t sequence) {
  return esp_rom_crc32_le(UINT32_MAX, (const uint8_t *)&sequence, sizeof sequence);
}

static bool has_right_crc(const esp_ota_select_entry_t *entry) {
  return entry->ota_seq != UINT32_MAX && entry->crc == crc_of(entry->ota_seq);
}

static bool is_given_up(uint32_t state) {
  return state == (uint32_t)ESP_OTA_IMG_INVALID || state == (uint32_t)ESP_OTA_IMG_ABORTED;
}

/** As `bootloader_common_get_active_otadata`: the higher sequence of the valid entries, the first one on a tie. */
static int active_of(const esp_ota_select_entry_t entries[2]) {
  const bool first = has_right_crc(&entries[0]) && !is_given_up(entries[0].ota_state);
  const bool second = has_right_crc(&entries[1]) && !is_given_up(entries[1].ota_state);
  if (first && second) return entries[1].ota_seq > entries[0].ota_seq ? 1 : 0;
  return first ? 0 : second ? 1 : NO_ENTRY;
}

static bool read_select(select_t *select) {
  select->partition = esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_OTA, NULL);
  if (select->partition == NULL) return false;
  for (unsigned i = 0; i < 2; i++) {
    esp_ota_select_entry_t *entry = &select->entries[i];
    if (esp_partition_read(select->partition, i * SECTOR_SIZE, entry, sizeof *entry) != ESP_OK) return false;
  }
  select->active = active_of(select->entries);
  select->slot_count = esp_ota_get_app_partition_count();
  return true;
}

static const esp_partition_t *slot_of(const select_t *select, int index) {
  if (select->slot_count == 0) return NULL;
  const uint32_t slot = (select->entries[index].ota_seq - 1u) % select->slot_count;
  return esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_OTA(slot), NULL);
}

static bool is_same(const esp_partition_t *left, const esp_partition_t *right) {
  return left != NULL && right != NULL && left->address == right->address;
}

static bool is_ota_slot(const esp_partition_t *partition) {
  return partition->subtype >= ESP_PARTITION_SUBTYPE_APP_OTA_MIN &&
         partition->subtype < ESP_PARTITION_SUBTYPE_APP_OTA_MAX;
}

static esp_err_t erase_entry(const select_t *select, int index) {
  return esp_partition_erase_range(select->partition, (size_t)index * SECTOR_SIZE, SECTOR_SIZE);
}

static esp_err_t rewrite_entry(const select_t *select, int index, uint32_t sequence, esp_ota_img_states_t state) {
  esp_ota_select_entry_t entry = select->entries[index]; // keeps the label, as ESP-IDF does
  entry.ota_seq = sequence;
  entry.ota_state = (uint32_t)state;
  entry.crc = crc_of(sequence);
  const esp_err_t err = erase_entry(select, index);
  if (err != ESP_OK) return err;
  return esp_partition_write(select->partition, (size_t)index * SECTOR_SIZE, &entry, sizeof entry);
}

/** Returns the smallest sequence above `current` that selects a slot; 0 if none is below the blank one. */
static uint32_t next_sequence(uint32_t current, uint32_t slot, uint32_t slot_count) {
  for (uint32_t step = 1; step <= slot_count && current < UINT32_MAX - step; step++) {
    if ((current + step - 1u) % slot_count == slot) return current + step;
  }
  return 0;
}

static esp_ota_img_states_t state_of(const esp_partition_t *partition) {
  esp_ota_img_states_t state = ESP_OTA_IMG_UNDEFINED;
  return esp_ota_get_state_partition(partition, &state) == ESP_OK ? state : ESP_OTA_IMG_UNDEFINED;
}

tbo_esp_target_t tbo_esp_find_target(void) {
  const esp_partition_t *partition = esp_ota_get_next_update_partition(NULL);
  select_t select;
  if (partition == NULL || !read_select(&select) || is_same(partition, esp_ota_get_running_partition())) {
    return (tbo_esp_target_t){NULL, false};
  }
  const esp_ota_img_states_t state = state_of(partition);
  // PENDING_VERIFY on a slot that does not run: the bootloader fell back from it.
  return (tbo_esp_target_t){partition, is_given_up((uint32_t)state) || state == ESP_OTA_IMG_PENDING_VERIFY};
}

bool tbo_esp_is_running_selected(void) {
  const esp_partition_t *selected = esp_ota_get_boot_partition();
  return selected == NULL || is_same(selected, esp_ota_get_running_partition());
}

bool tbo_esp_is_running_pending(void) {
  select_t select;
  if (!read_select(&select) || select.active == NO_ENTRY) return false;
  if (!is_same(slot_of(&select, select.active), esp_ota_get_running_partition())) return false;
  const uint32_t state = select.entries[select.active].ota_state;
  return state == (uint32_t)ESP_OTA_IMG_PENDING_VERIFY || state == (uint32_t)ESP_OTA_IMG_NEW;
}

bool tbo_esp_is_running_recorded(void) {
  const esp_partition_t *running = esp_ota_get_running_partition();
  select_t select;
  if (!is_ota_slot(running)) return true;
  if (!read_select(&select) || select.active == NO_ENTRY) return false;
  return is_same(slot_of(&select, select.active), running) && !tbo_esp_is_running_pending();
}

/** An OTA slot runs that no entry selects: the bootloader's first entry on blank otadata was torn. */
static bool is_unrecorded(void) {
  select_t select;
  return read_select(&select) && select.active == NO_ENTRY && is_ota_slot(esp_ota_get_running_partition());
}

void tbo_esp_repair_boot_selection(bool is_on_probation) {
  if (tbo_esp_is_running_selected() && !is_unrecorded()) return;
  const esp_partition_t *running = esp_ota_get_running_partition();
  if (is_given_up((uint32_t)state_of(running))) return;
  if (esp_ota_set_boot_partition(running) != ESP_OK || is_on_probation) return;
  // The call confirms the right entry only if the running slot is selected. The factory slot has no entry.
  if (tbo_esp_is_running_selected()) esp_ota_mark_app_valid_cancel_rollback();
}

esp_err_t tbo_esp_record_running(void) {
  const esp_partition_t *running = esp_ota_get_running_partition();
  select_t select;
  if (!is_ota_slot(running) || !read_select(&select)) return ESP_OK;
  const uint32_t slot = (uint32_t)running->subtype - (uint32_t)ESP_PARTITION_SUBTYPE_APP_OTA_MIN;
  if (select.active == NO_ENTRY) return rewrite_entry(&select, 0, slot + 1u, ESP_OTA_IMG_VALID);
  const uint32_t sequence = next_sequence(select.entries[select.active].ota_seq, slot, select.slot_count);
  if (sequence == 0) return ESP_ERR_INVALID_STATE;
  return rewrite_entry(&select, 1 - select.active, sequence, ESP_OTA_IMG_VALID);
}

esp_err_t tbo_esp_deselect(const esp_partition_t *target) {
  select_t select;
  if (!read_select(&select) || select.active == NO_ENTRY) return ESP_OK;
  if (!is_same(slot_of(&select, select.active), target)) return ESP_OK;
  if (is_ota_slot(esp_ota_get_running_partition())) return tbo_esp_record_running();
  // The entry that counts is erased last: a power cut in between leaves it as it is.
  const esp_err_t err = erase_entry(&select, 1 - select.active);
  return err == ESP_OK ? erase_entry(&select, select.active) : err;
}

esp_err_t tbo_esp_invalidate_inactive_entry(void) {
  select_t select;
  if (!read_select(&select) || select.active == NO_ENTRY) return ESP_FAIL;
  const int inactive = 1 - select.active;
  const esp_partition_t *slot = has_right_crc(&select.entries[inactive]) ? slot_of(&select, inactive) : NULL;
  if (slot == NULL || is_same(slot, esp_ota_get_running_partition())) return ESP_FAIL;
  return erase_entry(&select, inactive);
}
