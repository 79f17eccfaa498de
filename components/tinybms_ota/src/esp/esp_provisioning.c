// SPDX-License-Identifier: MIT
#include "service.h"

#include "codec/envelope.h"

#include "nvs.h"

#include <stdlib.h>
#include <string.h>

#define NAMESPACE "tinybms"
#define LAYOUT 1u

/** Keys of the strings, in the order of the members of tinybms_ota_provisioning_t that receive them. */
static const char STRINGS[] =
    "device_id\0broker\0topic\0product\0username\0password\0ca_cert\0client_cert\0client_key\0";
_Static_assert(offsetof(tinybms_ota_provisioning_t, client_key) == 8u * sizeof(char *), "STRINGS has nine keys");

/** Reads a string; NULL if it is missing. Returns an error only if memory is short. */
static esp_err_t read_string(nvs_handle_t nvs, const char *key, char **out) {
  size_t length = 0;
  *out = NULL;
  if (nvs_get_str(nvs, key, NULL, &length) != ESP_OK) return ESP_OK;
  *out = malloc(length);
  if (*out == NULL) return ESP_ERR_NO_MEM;
  if (nvs_get_str(nvs, key, *out, &length) == ESP_OK) return ESP_OK;
  free(*out);
  *out = NULL;
  return ESP_OK;
}

static esp_err_t read_all(nvs_handle_t nvs, tinybms_ota_provisioning_t *provisioning) {
  char **member = &provisioning->device;
  uint8_t number = 0;
  esp_err_t err = nvs_get_u8(nvs, "provisioning", &number);
  if (err != ESP_OK) return err;
  if (number != LAYOUT) return ESP_ERR_INVALID_VERSION;
  for (const char *key = STRINGS; err == ESP_OK && key[0] != '\0'; key += strlen(key) + 1) {
    err = read_string(nvs, key, member++);
  }
  provisioning->allow_unsigned = nvs_get_u8(nvs, "allow_unsigned", &number) == ESP_OK && number == 1;
  return err;
}

esp_err_t tinybms_ota_read_provisioning(tinybms_ota_provisioning_t *provisioning) {
  nvs_handle_t nvs;
  memset(provisioning, 0, sizeof *provisioning);
  esp_err_t err = nvs_open(NAMESPACE, NVS_READONLY, &nvs);
  if (err != ESP_OK) return err;
  err = read_all(nvs, provisioning);
  nvs_close(nvs);
  if (err != ESP_OK) tinybms_ota_free_provisioning(provisioning);
  return err;
}

void tinybms_ota_free_provisioning(tinybms_ota_provisioning_t *provisioning) {
  for (char **member = &provisioning->device; member <= &provisioning->client_key; member++) free(*member);
  memset(provisioning, 0, sizeof *provisioning);
}

void tinybms_ota_configure_mqtt(const tinybms_ota_provisioning_t *provisioning, esp_mqtt_client_config_t *mqtt) {
  mqtt->broker.address.uri = provisioning->broker;
  mqtt->broker.verification.certificate = provisioning->ca_cert;
  mqtt->credentials.client_id = provisioning->device;
  mqtt->credentials.username = provisioning->username;
  mqtt->credentials.authentication.password = provisioning->password;
  mqtt->credentials.authentication.certificate = provisioning->client_cert;
  mqtt->credentials.authentication.key = provisioning->client_key;
}

char *tbo_esp_provisioned_keys(size_t *length) {
  nvs_handle_t nvs;
  tbo_envelope_t envelope;
  char *blob = NULL;
  size_t size = 0;
  if (nvs_open(NAMESPACE, NVS_READONLY, &nvs) != ESP_OK) return NULL;
  if (nvs_get_blob(nvs, "key_set", NULL, &size) == ESP_OK) blob = malloc(size);
  bool is_read = blob != NULL && nvs_get_blob(nvs, "key_set", blob, &size) == ESP_OK;
  nvs_close(nvs);
  // The factory is trusted: its signatures are not verified again.
  is_read = is_read && tbo_envelope_parse(blob, size, &envelope);
  if (!is_read) {
    free(blob);
    return NULL;
  }
  *length = envelope.payload_length;
  memmove(blob, envelope.payload, envelope.payload_length);
  return blob;
}
