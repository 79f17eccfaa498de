// SPDX-License-Identifier: MIT
#include "fake.h"

#include "nvs.h"
#include "nvs_flash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 64u
#define SPACES_MAX 8u

/** A value. A number is stored as text, a blob as hexadecimal digits. */
typedef struct {
  char type;
  char space[16], key[16];
  char *value;
} value_t;

bool fake_nvs_is_full = false;
static value_t values[VALUES_MAX];
static char spaces[SPACES_MAX][16];

static value_t *find(char type, const char *space, const char *key) {
  for (unsigned i = 0; i < VALUES_MAX; i++) {
    value_t *value = &values[i];
    const bool is_named = value->value != NULL && strcmp(value->space, space) == 0 && strcmp(value->key, key) == 0;
    if (is_named && (type == 0 || value->type == type)) return value;
  }
  return NULL;
}

void fake_nvs_put(char type, const char *space, const char *key, const char *text) {
  value_t *value = find(0, space, key);
  for (unsigned i = 0; value == NULL && i < VALUES_MAX; i++) {
    if (values[i].value == NULL) value = &values[i];
  }
  if (value == NULL) abort();
  free(value->value);
  value->type = type;
  snprintf(value->space, sizeof value->space, "%s", space);
  snprintf(value->key, sizeof value->key, "%s", key);
  value->value = strdup(text);
}

void fake_nvs_print(void) {
  for (unsigned i = 0; i < VALUES_MAX; i++) {
    const value_t *value = &values[i];
    if (value->value == NULL) continue;
    printf("nvs %c %s %s ", value->type, value->space, value->key);
    if (value->type != 's') printf("%s", value->value);
    for (const char *c = value->value; value->type == 's' && *c != '\0'; c++) printf("%02x", (unsigned char)*c);
    printf("\n");
  }
}

esp_err_t nvs_flash_init(void) {
  return ESP_OK;
}

esp_err_t nvs_open(const char *space, nvs_open_mode_t mode, nvs_handle_t *handle) {
  (void)mode;
  for (unsigned i = 0; i < SPACES_MAX; i++) {
    if (spaces[i][0] == '\0') snprintf(spaces[i], sizeof spaces[i], "%s", space);
    if (strcmp(spaces[i], space) != 0) continue;
    *handle = i + 1u;
    return ESP_OK;
  }
  return ESP_ERR_NVS_NOT_ENOUGH_SPACE;
}

void nvs_close(nvs_handle_t handle) {
  (void)handle;
}

esp_err_t nvs_commit(nvs_handle_t handle) {
  (void)handle;
  return ESP_OK;
}

static value_t *get(nvs_handle_t handle, char type, const char *key) {
  return find(type, spaces[handle - 1u], key);
}

static esp_err_t set(nvs_handle_t handle, char type, const char *key, const char *text) {
  if (fake_nvs_is_full) return ESP_ERR_NVS_NOT_ENOUGH_SPACE;
  if (strlen(key) > 15) abort();
  fake_nvs_put(type, spaces[handle - 1u], key, text);
  return ESP_OK;
}

esp_err_t nvs_erase_key(nvs_handle_t handle, const char *key) {
  value_t *value = get(handle, 0, key);
  if (value == NULL) return ESP_ERR_NVS_NOT_FOUND;
  free(value->value);
  value->value = NULL;
  return ESP_OK;
}

esp_err_t nvs_get_u32(nvs_handle_t handle, const char *key, uint32_t *number) {
  const value_t *value = get(handle, 'u', key);
  if (value == NULL) return ESP_ERR_NVS_NOT_FOUND;
  *number = (uint32_t)strtoul(value->value, NULL, 10);
  return ESP_OK;
}

esp_err_t nvs_get_u8(nvs_handle_t handle, const char *key, uint8_t *number) {
  uint32_t value = 0;
  const esp_err_t err = nvs_get_u32(handle, key, &value);
  if (err == ESP_OK) *number = (uint8_t)value;
  return err;
}

esp_err_t nvs_set_u32(nvs_handle_t handle, const char *key, uint32_t number) {
  char text[16];
  snprintf(text, sizeof text, "%" PRIu32, number);
  return set(handle, 'u', key, text);
}

/** Copies a value out as NVS does: `out` may be NULL, and `length` receives the size. */
static esp_err_t copy_out(const void *bytes, size_t size, void *out, size_t *length) {
  if (out != NULL && *length < size) return ESP_ERR_NVS_INVALID_LENGTH;
  if (out != NULL) memcpy(out, bytes, size);
  *length = size;
  return ESP_OK;
}

esp_err_t nvs_get_str(nvs_handle_t handle, const char *key, char *out, size_t *length) {
  const value_t *value = get(handle, 's', key);
  return value == NULL ? ESP_ERR_NVS_NOT_FOUND : copy_out(value->value, strlen(value->value) + 1u, out, length);
}

esp_err_t nvs_set_str(nvs_handle_t handle, const char *key, const char *text) {
  if (strlen(text) >= 4000) return ESP_ERR_NVS_INVALID_LENGTH;
  return set(handle, 's', key, text);
}

esp_err_t nvs_get_blob(nvs_handle_t handle, const char *key, void *out, size_t *length) {
  const value_t *value = get(handle, 'b', key);
  if (value == NULL) return ESP_ERR_NVS_NOT_FOUND;
  const size_t size = strlen(value->value) / 2u;
  uint8_t *bytes = malloc(size + 1u);
  if (bytes == NULL) abort();
  for (size_t i = 0; i < size; i++) {
    unsigned byte = 0;
    sscanf(value->value + 2u * i, "%2x", &byte);
    bytes[i] = (uint8_t)byte;
  }
  const esp_err_t err = copy_out(bytes, size, out, length);
  free(bytes);
  return err;
}
