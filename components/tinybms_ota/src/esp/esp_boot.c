// SPDX-License-Identifier: MIT
#include "service.h"

#include "codec/record.h"
#include "codec/time.h"
#include "esp_otadata_repair.h"

#include "esp_app_desc.h"
#include "esp_efuse.h"
#include "esp_image_format.h"
#include "esp_log.h"
#include "esp_ota_ops.h"
#include "esp_system.h"
#include "nvs_flash.h"

#include <stdio.h>
#include <string.h>

#define NAMESPACE "tinybms_ota"
#define BOOT_COUNT_KEY "boot_count"
/** Maximum offset of a local time from UTC: UTC+14. */
#define ZONE_LEAD_MS (14 * 3600000ll)

static const char *TAG = "tinybms_ota";

/**
 * Writes the earliest time at which an app can have been built. Its descriptor has the date as `Jan 31 2026`, and states
 * no time zone.
 */
static bool earliest_build_time(const esp_app_desc_t *description, tbo_time_t *time) {
  static const char MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const char *date = description->date;
  const char month[4] = {date[0], date[1], date[2], '\0'};
  const char *found = strstr(MONTHS, month);
  char text[TBO_TIME_SIZE];
  if (found == NULL || (found - MONTHS) % 3 != 0) return false;
  const int length = snprintf(text, sizeof text, "%.4s-%02u-%c%cT%.8sZ", date + 7, (unsigned)(found - MONTHS) / 3u + 1u,
                              date[4] == ' ' ? '0' : date[4], date[5], description->time);
  if (!tbo_time_read(text, (size_t)length, time)) return false;
  tbo_time_from_ms(tbo_time_to_ms(time) - ZONE_LEAD_MS, time);
  return true;
}

static esp_err_t measure_running(tinybms_ota_handle_t service, uint8_t sha256[32]) {
  const esp_partition_t *running = esp_ota_get_running_partition();
  const esp_partition_pos_t position = {.offset = running->address, .size = running->size};
  esp_image_metadata_t metadata;
  const esp_err_t err = esp_image_get_metadata(&position, &metadata);
  if (err != ESP_OK) return err;
  return tbo_esp_measure_image(running, metadata.image_len, sha256, 0, NULL, service->flash.sector);
}

/** Opens the service's namespace and counts the start. Without NVS the device takes no updates, and says so. */
static esp_err_t open_nvs(tinybms_ota_handle_t service, tbo_boot_t *boot, char *record) {
  esp_err_t err = nvs_flash_init();
  if (err == ESP_OK) err = nvs_open(NAMESPACE, NVS_READWRITE, &service->nvs);
  if (err != ESP_OK) return err;
  uint32_t count = 0;
  if (nvs_get_u32(service->nvs, BOOT_COUNT_KEY, &count) != ESP_OK) count = 0;
  boot->boot_count = count + 1u;
  nvs_set_u32(service->nvs, BOOT_COUNT_KEY, boot->boot_count);
  nvs_commit(service->nvs);
  service->record = (tbo_nvs_text_t){.nvs = service->nvs, .name = "record", .string = service->string};
  service->key_set = (tbo_nvs_text_t){.nvs = service->nvs, .name = "key_set", .string = service->string};
  boot->record_length = tbo_nvs_text_open(&service->record, record, TBO_ESP_RECORD_SIZE);
  boot->record = boot->record_length > 0 ? record : NULL;
  return ESP_OK;
}

/** Returns whether the stored record says that the running image has yet to be confirmed. */
static bool is_on_probation(const tbo_boot_t *boot) {
  tbo_record_t record;
  return boot->record != NULL && tbo_record_read(boot->record, boot->record_length, &record) &&
         record.attempt.is_present && memcmp(record.attempt.image, boot->sha256, sizeof boot->sha256) == 0;
}

esp_err_t tbo_esp_look_around(tinybms_ota_handle_t service, tbo_boot_t *boot, char *record) {
  const esp_app_desc_t *description = esp_app_get_description();
  const tbo_esp_target_t target = tbo_esp_find_target();
  memset(boot, 0, sizeof *boot);
  esp_err_t err = open_nvs(service, boot, record);
  if (err == ESP_OK) err = measure_running(service, boot->sha256);
  if (err != ESP_OK) return err;
  tbo_esp_repair_boot_selection(is_on_probation(boot));
  if (target.partition == NULL) ESP_LOGE(TAG, "there is no other OTA slot, or no otadata: no update is possible");
  boot->version = description->version;
  boot->project_name = description->project_name;
  boot->slot = esp_ota_get_running_partition()->label;
  boot->built_at = earliest_build_time(description, &service->built_at) ? service->built_at.text : NULL;
  boot->pending_verify = tbo_esp_is_running_pending();
  boot->clean_reset = esp_reset_reason() == ESP_RST_SW;
#ifdef CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE
  boot->rollback = true;
#endif
#ifdef CONFIG_BOOTLOADER_APP_ANTI_ROLLBACK
  boot->secure_version = esp_efuse_read_secure_version();
#endif
  boot->target_condemned = target.is_condemned;
  boot->target_size = target.partition == NULL ? 0 : target.partition->size;
  service->flash.target = target.partition;
  service->flash.is_reset_clean = boot->clean_reset;
  return ESP_OK;
}
