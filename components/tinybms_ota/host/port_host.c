// SPDX-License-Identifier: MIT
/**
 * Runs the ESP-IDF port on the host for one start of a device, driven by commands on standard input, one a line. Each
 * command ends with a line `ok` or `failed`. test/device-c-port.test.ts drives it.
 */
#include "esp_tinybms_ota.h"

#include "../src/esp/esp_otadata_repair.h"
#include "../src/esp/service.h"
#include "esp-fake/fake.h"

#include "esp_app_desc.h"
#include "esp_image_format.h"
#include "esp_ota_ops.h"
#include "esp_system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_SIZE 65536u

static const char *flash_path;
static bool is_reset_clean, may_reboot = true, has_self_test_passed = true;
static tinybms_ota_handle_t service;
static tinybms_ota_provisioning_t provisioning;
static esp_mqtt_client_config_t mqtt_config;

esp_reset_reason_t esp_reset_reason(void) {
  return is_reset_clean ? ESP_RST_SW : ESP_RST_POWERON;
}

void esp_restart(void) {
  const bool is_saved = fake_flash_save(flash_path);
  fake_nvs_print();
  printf(is_saved ? "restart\n" : "failed\n");
  fflush(stdout);
  _exit(0);
}

/** Decodes hexadecimal digits in place. Returns the number of bytes. */
static size_t unhex(char *text) {
  size_t length = 0;
  for (; text[2u * length] != '\0'; length++) {
    unsigned byte = 0;
    sscanf(text + 2u * length, "%2x", &byte);
    text[length] = (char)byte;
  }
  text[length] = '\0';
  return length;
}

static void print_hex(const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) printf("%02x", bytes[i]);
  printf("\n");
}

static const esp_partition_t *slot_named(const char *label) {
  for (unsigned subtype = 0; subtype < 0x20; subtype++) {
    const esp_partition_t *partition =
        esp_partition_find_first(ESP_PARTITION_TYPE_APP, (esp_partition_subtype_t)subtype, NULL);
    if (partition != NULL && strcmp(partition->label, label) == 0) return partition;
  }
  return NULL;
}

static bool self_test(void *context) {
  (void)context;
  return has_self_test_passed;
}

static bool ask_may_reboot(void *context) {
  (void)context;
  return may_reboot;
}

static bool start(void) {
  static char client;
  tinybms_ota_config_t config = TINYBMS_OTA_CONFIG_DEFAULT();
  if (tinybms_ota_read_provisioning(&provisioning) != ESP_OK) return false;
  tinybms_ota_configure_mqtt(&provisioning, &mqtt_config);
  config.provisioning = &provisioning;
  config.mqtt = (esp_mqtt_client_handle_t)(void *)&client;
  config.mqtt_config = &mqtt_config;
  config.self_test = self_test;
  config.may_reboot = ask_may_reboot;
  return tinybms_ota_start(&config, &service) == ESP_OK;
}

static bool print_status(void) {
  tbo_status_t status;
  if (tinybms_ota_get_status(service, &status) != ESP_OK) return false;
  printf("status %s %u/%u requests=%u busy=%u %s\n", tbo_state_text(status.state), (unsigned)status.received,
         (unsigned)status.total, (unsigned)status.requests, (unsigned)status.dropped[TBO_DROP_BUSY],
         tbo_code_text(status.error));
  return true;
}

/** Opens or stores a text: `text NAME` prints it, `text NAME HEX` stores it. */
static bool text(char *name, char *hex) {
  static char string[TBO_NVS_STRING_SIZE], out[8192];
  tbo_nvs_text_t found = {.name = name, .string = string};
  if (nvs_open("tinybms_ota", NVS_READWRITE, &found.nvs) != ESP_OK) return false;
  const size_t length = tbo_nvs_text_open(&found, out, sizeof out);
  if (hex == NULL) {
    printf("text ");
    print_hex((const uint8_t *)out, length);
    return true;
  }
  const size_t size = unhex(hex);
  return tbo_nvs_text_store(&found, hex, size) == ESP_OK;
}

static bool measure(const char *label, uint32_t stored_length) {
  static uint8_t sector[TBO_CHUNK_SIZE];
  uint8_t measured[32], stored[32] = {0};
  const esp_partition_t *partition = slot_named(label);
  const esp_partition_pos_t position = {partition->address, partition->size};
  esp_image_metadata_t metadata;
  if (esp_image_get_metadata(&position, &metadata) != ESP_OK) return false;
  if (tbo_esp_measure_image(partition, metadata.image_len, measured, stored_length, stored, sector) != ESP_OK) return false;
  printf("measured ");
  print_hex(measured, 32);
  printf("stored ");
  print_hex(stored, 32);
  return true;
}

/** `verify ALGORITHM SPKI KEY DIGEST SIGNATURE`, all but the first in hexadecimal digits. */
static bool verify(char *arguments[5]) {
  tbo_piece_t pieces[4];
  for (unsigned i = 0; i < 4; i++) {
    const size_t length = unhex(arguments[i + 1]);
    pieces[i] = (tbo_piece_t){(const uint8_t *)arguments[i + 1], length};
  }
  const tbo_verify_t question = {
      .algorithm = (tbo_algorithm_t)atoi(arguments[0]),
      .spki = pieces[0],
      .key = pieces[1],
      .digest = pieces[2].bytes,
      .signature = pieces[3],
  };
  printf("valid %d\n", tbo_esp_verify(&question));
  return true;
}

static bool otadata(const char *command, const char *argument) {
  if (strcmp(command, "target") == 0) {
    const tbo_esp_target_t target = tbo_esp_find_target();
    printf("target %s %d\n", target.partition == NULL ? "-" : target.partition->label, target.is_condemned);
  } else if (strcmp(command, "judge") == 0) {
    printf("judge %d %d %d\n", tbo_esp_is_running_selected(), tbo_esp_is_running_pending(), tbo_esp_is_running_recorded());
  } else if (strcmp(command, "repair") == 0) {
    tbo_esp_repair_boot_selection(strcmp(argument, "1") == 0);
  } else if (strcmp(command, "record") == 0) {
    printf("err %d\n", tbo_esp_record_running());
  } else if (strcmp(command, "deselect") == 0) {
    printf("err %d\n", tbo_esp_deselect(slot_named(argument)));
  } else if (strcmp(command, "invalidate") == 0) {
    printf("err %d\n", tbo_esp_invalidate_inactive_entry());
  } else {
    return false;
  }
  return true;
}

static bool run(unsigned count, char *words[8]) {
  const char *command = words[0];
  if (strcmp(command, "nvs") == 0 && count == 5) {
    if (words[1][0] == 's') unhex(words[4]);
    fake_nvs_put(words[1][0], words[2], words[3], words[4]);
  } else if (strcmp(command, "full") == 0) {
    fake_nvs_is_full = true;
  } else if (strcmp(command, "dump") == 0) {
    fake_nvs_print();
    return fake_flash_save(flash_path);
  } else if (strcmp(command, "text") == 0 && count >= 2) {
    return text(words[1], count == 3 ? words[2] : NULL);
  } else if (strcmp(command, "measure") == 0 && count == 3) {
    return measure(words[1], (uint32_t)strtoul(words[2], NULL, 10));
  } else if (strcmp(command, "verify") == 0 && count == 6) {
    return verify(words + 1);
  } else if (strcmp(command, "clean") == 0) {
    is_reset_clean = true;
  } else if (strcmp(command, "hold") == 0) {
    may_reboot = false;
  } else if (strcmp(command, "release") == 0) {
    may_reboot = true;
  } else if (strcmp(command, "break") == 0) {
    has_self_test_passed = false;
  } else if (strcmp(command, "start") == 0) {
    return start();
  } else if (strcmp(command, "connect") == 0) {
    fake_mqtt_connect();
  } else if (strcmp(command, "disconnect") == 0) {
    fake_mqtt_disconnect();
  } else if (strcmp(command, "refuse") == 0) {
    fake_mqtt_refuse();
  } else if (strcmp(command, "message") == 0 && count == 4) {
    const size_t length = unhex(words[3]);
    fake_mqtt_message(words[1], words[3], length, words[2][0] == '1');
  } else if (strcmp(command, "settle") == 0) {
    fake_settle();
  } else if (strcmp(command, "pass") == 0 && count == 2) {
    fake_pass(strtoull(words[1], NULL, 10));
  } else if (strcmp(command, "status") == 0) {
    return print_status();
  } else if (strcmp(command, "cancel") == 0) {
    return tinybms_ota_cancel(service) == ESP_OK;
  } else if (strcmp(command, "stop") == 0) {
    return tinybms_ota_stop(service) == ESP_OK;
  } else {
    return otadata(command, count > 1 ? words[1] : "");
  }
  return true;
}

int main(int argc, char **argv) {
  static char line[LINE_MAX_SIZE];
  if (argc != 3 || !fake_flash_load(argv[1]) || !fake_flash_run(argv[2])) {
    fprintf(stderr, "usage: port_host FLASH RUNNING_SLOT\n");
    return 2;
  }
  flash_path = argv[1];
  while (fgets(line, sizeof line, stdin) != NULL) {
    char *words[8] = {NULL};
    unsigned count = 0;
    for (char *word = strtok(line, " \n"); word != NULL && count < 8; word = strtok(NULL, " \n")) words[count++] = word;
    printf("%s\n", count > 0 && run(count, words) ? "ok" : "failed");
    fflush(stdout);
  }
  return 0;
}
