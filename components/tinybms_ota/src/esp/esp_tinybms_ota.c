// SPDX-License-Identifier: MIT
#include "service.h"

#include "esp_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ESP_EVENT_DEFINE_BASE(TINYBMS_OTA_EVENT);

/** Messages that wait for the sending task: at most a subscription of each topic, a report and a request. */
#define OUT_LENGTH 16u

static const char *TAG = "tinybms_ota";

static const char *config_problem(const tinybms_ota_config_t *config) {
  const tinybms_ota_provisioning_t *who = config->provisioning;
  if (who == NULL) return "provisioning is missing";
  if (who->device == NULL) return "the provisioning has no device_id";
  if (who->topic == NULL) return "the provisioning has no topic";
  if (who->product == NULL) return "the provisioning has no product";
  if (config->mqtt == NULL) return "mqtt is missing";
  if (config->mqtt_config == NULL) return "mqtt_config is missing";
  if (config->mqtt_config->session.last_will.topic != NULL) return "mqtt_config has a will; the service sets its own";
  return NULL;
}

static tbo_config_t machine_config(const tinybms_ota_provisioning_t *who) {
  tbo_config_t config = {
      .device = who->device,
      .topic_root = who->topic,
      .product = who->product,
      .chip_id = CONFIG_IDF_FIRMWARE_CHIP_ID,
      .algorithms = TBO_ALG_ECDSA_P256,
      .window = CONFIG_TINYBMS_OTA_WINDOW,
      .timing = TBO_TIMING_DEFAULT,
  };
#ifdef CONFIG_TINYBMS_OTA_RSA
  config.algorithms |= TBO_ALG_RSA_PKCS1V15;
#endif
#ifdef CONFIG_TINYBMS_OTA_ALLOW_UNSIGNED
  config.allow_unsigned = who->allow_unsigned;
#else
  if (who->allow_unsigned) ESP_LOGW(TAG, "the device may take unsigned offers, but TINYBMS_OTA_ALLOW_UNSIGNED is not set");
#endif
  return config;
}

static esp_err_t make_machine(tinybms_ota_handle_t service, uint32_t slot_size) {
  const char *problem = NULL;
  const tbo_config_t config = machine_config(service->config.provisioning);
  const size_t size = TBO_MEMORY(slot_size);
  service->memory = malloc(size);
  if (service->memory == NULL) return ESP_ERR_NO_MEM;
  tbo_esp_set_port(service);
  service->machine = tbo_init(&config, &service->port, service->memory, size, &problem);
  if (service->machine != NULL) return ESP_OK;
  ESP_LOGE(TAG, "%s", problem);
  return ESP_ERR_INVALID_ARG;
}

static esp_err_t make_queues(tinybms_ota_handle_t service) {
  service->in = xStreamBufferCreate(CONFIG_TINYBMS_OTA_STREAM_SIZE, 1);
  service->out = xQueueCreate(OUT_LENGTH, sizeof(tbo_esp_out_t *));
  service->ended = xSemaphoreCreateCounting(2, 0);
  service->lock = xSemaphoreCreateMutex();
  const bool has_all = service->in != NULL && service->out != NULL && service->ended != NULL && service->lock != NULL;
  return has_all ? ESP_OK : ESP_ERR_NO_MEM;
}

static esp_err_t make_tasks(tinybms_ota_handle_t service) {
  const tinybms_ota_config_t *config = &service->config;
  const BaseType_t core = config->task_core < 0 ? tskNO_AFFINITY : config->task_core;
  if (xTaskCreatePinnedToCore(tbo_esp_mqtt_sender, "tinybms_send", CONFIG_TINYBMS_OTA_SEND_STACK, service,
                              config->task_priority, &service->sender, core) != pdPASS) {
    return ESP_ERR_NO_MEM;
  }
  if (xTaskCreatePinnedToCore(tbo_esp_task, "tinybms_ota", config->task_stack, service, config->task_priority,
                              &service->task, core) == pdPASS) {
    return ESP_OK;
  }
  tbo_esp_mqtt_end(service, TBO_ESP_STOP);
  xSemaphoreTake(service->ended, portMAX_DELAY);
  return ESP_ERR_NO_MEM;
}

static void free_service(tinybms_ota_handle_t service) {
  tbo_esp_out_t *left;
  if (service->nvs != 0) nvs_close(service->nvs);
  while (service->out != NULL && xQueueReceive(service->out, &left, 0) == pdTRUE) free(left);
  if (service->in != NULL) vStreamBufferDelete(service->in);
  if (service->out != NULL) vQueueDelete(service->out);
  if (service->ended != NULL) vSemaphoreDelete(service->ended);
  if (service->lock != NULL) vSemaphoreDelete(service->lock);
  free(service->memory);
  free(service);
}

static esp_err_t start(tinybms_ota_handle_t service) {
  tbo_boot_t boot;
  char record[TBO_ESP_RECORD_SIZE];
  esp_err_t err = tbo_esp_look_around(service, &boot, record);
  if (err == ESP_OK) err = make_queues(service);
  if (err == ESP_OK) err = make_machine(service, boot.target_size);
  if (err != ESP_OK) return err;
  ESP_LOGI(TAG, "%s runs %s from %s, start %" PRIu32, service->config.provisioning->device, boot.version, boot.slot,
           boot.boot_count);
  if (!boot.rollback) ESP_LOGW(TAG, "BOOTLOADER_APP_ROLLBACK_ENABLE is not set: a bad image that hangs stays");
  snprintf(service->will_topic, sizeof service->will_topic, "%s/v1/device/%s/state", service->config.provisioning->topic,
           service->config.provisioning->device);
  tbo_event_t event = {.type = TBO_EV_BOOTED, .u.boot = &boot};
  tbo_esp_handle(service, &event);
  err = tbo_esp_mqtt_attach(service);
  if (err != ESP_OK) return err;
  err = make_tasks(service);
  if (err != ESP_OK) tbo_esp_mqtt_detach(service);
  return err;
}

esp_err_t tinybms_ota_start(const tinybms_ota_config_t *config, tinybms_ota_handle_t *handle) {
  const char *problem = config_problem(config);
  if (problem != NULL) {
    ESP_LOGE(TAG, "%s", problem);
    return ESP_ERR_INVALID_ARG;
  }
  tinybms_ota_handle_t service = calloc(1, sizeof *service);
  if (service == NULL) return ESP_ERR_NO_MEM;
  service->config = *config;
  service->may_reboot = true;
  for (unsigned i = 0; i < TBO_TIMER_COUNT; i++) service->timers[i] = UINT64_MAX;
  const esp_err_t err = start(service);
  if (err == ESP_OK) *handle = service;
  else free_service(service);
  return err;
}

static esp_err_t ask(tinybms_ota_handle_t service, uint32_t what) {
  if (service == NULL) return ESP_ERR_INVALID_ARG;
  xSemaphoreTake(service->lock, portMAX_DELAY);
  service->asked |= what;
  xSemaphoreGive(service->lock);
  xTaskNotifyGive(service->task);
  return ESP_OK;
}

esp_err_t tinybms_ota_stop(tinybms_ota_handle_t service) {
  if (service == NULL) return ESP_ERR_INVALID_ARG;
  tbo_esp_mqtt_detach(service);
  ask(service, TBO_ESP_ASK_STOP);
  xSemaphoreTake(service->ended, portMAX_DELAY);
  xSemaphoreTake(service->ended, portMAX_DELAY);
  free_service(service);
  return ESP_OK;
}

esp_err_t tinybms_ota_confirm(tinybms_ota_handle_t service) {
  return ask(service, TBO_ESP_ASK_CONFIRM);
}

esp_err_t tinybms_ota_reject(tinybms_ota_handle_t service) {
  return ask(service, TBO_ESP_ASK_REJECT);
}

esp_err_t tinybms_ota_cancel(tinybms_ota_handle_t service) {
  return ask(service, TBO_ESP_ASK_CANCEL);
}

esp_err_t tinybms_ota_get_status(tinybms_ota_handle_t service, tbo_status_t *status) {
  if (service == NULL || status == NULL) return ESP_ERR_INVALID_ARG;
  xSemaphoreTake(service->lock, portMAX_DELAY);
  *status = service->status;
  xSemaphoreGive(service->lock);
  return ESP_OK;
}
