// SPDX-License-Identifier: MIT
/** A gateway that takes updates. gateway_main() stands for the application. */
#include "network.h"

#include "esp_event.h"
#include "esp_log.h"
#include "esp_netif.h"
#include "esp_netif_sntp.h"
#include "esp_system.h"
#include "esp_tinybms_ota.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "nvs_flash.h"

#include <stdio.h>

static const char *TAG = "gateway";

/** Returns whether the new image does its work. Replace it with a test of your own hardware. */
static bool self_test(void *context) {
  return esp_get_free_heap_size() > 32 * 1024;
}

/** Returns whether the device may restart now. Replace it with a look at what your application is doing. */
static bool may_reboot(void *context) {
  return true;
}

static void on_update(void *context, esp_event_base_t base, int32_t id, void *data) {
  const tinybms_ota_event_t *event = data;
  ESP_LOGI(TAG, "update: %s %s, %u of %u chunks; %u bytes of stack left in this task", tbo_state_text(event->state),
           tbo_code_text(event->error), (unsigned)event->received, (unsigned)event->total,
           (unsigned)uxTaskGetStackHighWaterMark(NULL));
}

static void gateway_main(esp_mqtt_client_handle_t mqtt, const char *device) {
  char topic[96];
  snprintf(topic, sizeof topic, "gateway/%s/heap", device);
  for (;;) {
    char text[16];
    const int length = snprintf(text, sizeof text, "%u", (unsigned)esp_get_free_heap_size());
    esp_mqtt_client_enqueue(mqtt, topic, text, length, 0, 0, true);
    vTaskDelay(pdMS_TO_TICKS(10000));
  }
}

void app_main(void) {
  static tinybms_ota_provisioning_t provisioning;
  static esp_mqtt_client_config_t mqtt_config;
  tinybms_ota_config_t config = TINYBMS_OTA_CONFIG_DEFAULT();
  tinybms_ota_handle_t ota;

  // Not erased if it fails: the identity of the device is in it.
  ESP_ERROR_CHECK(nvs_flash_init());
  ESP_ERROR_CHECK(esp_netif_init());
  ESP_ERROR_CHECK(esp_event_loop_create_default());
  ESP_ERROR_CHECK(esp_event_handler_register(TINYBMS_OTA_EVENT, ESP_EVENT_ANY_ID, on_update, NULL));
  ESP_ERROR_CHECK(tinybms_ota_read_provisioning(&provisioning));
  ESP_ERROR_CHECK(network_start());
  const esp_sntp_config_t clock = ESP_NETIF_SNTP_DEFAULT_CONFIG("pool.ntp.org");
  ESP_ERROR_CHECK(esp_netif_sntp_init(&clock));

  tinybms_ota_configure_mqtt(&provisioning, &mqtt_config);
  config.provisioning = &provisioning;
  config.mqtt = esp_mqtt_client_init(&mqtt_config);
  config.mqtt_config = &mqtt_config;
  config.self_test = self_test;
  config.may_reboot = may_reboot;
  ESP_ERROR_CHECK(tinybms_ota_start(&config, &ota));
  ESP_ERROR_CHECK(esp_mqtt_client_start(config.mqtt));
  gateway_main(config.mqtt, provisioning.device);
}
