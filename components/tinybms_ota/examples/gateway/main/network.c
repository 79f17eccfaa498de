// SPDX-License-Identifier: MIT
#include "network.h"

#include "esp_event.h"
#include "esp_netif.h"
#include "sdkconfig.h"

#ifdef CONFIG_GATEWAY_WIFI

#include "esp_wifi.h"
#include "nvs.h"

/** Reads the access point from NVS, where `tinybms-ota provision --csv wifi.csv` stored it. */
static esp_err_t read_access_point(wifi_config_t *wifi) {
  nvs_handle_t nvs;
  size_t ssid_size = sizeof wifi->sta.ssid, password_size = sizeof wifi->sta.password;
  esp_err_t err = nvs_open("wifi", NVS_READONLY, &nvs);
  if (err != ESP_OK) return err;
  err = nvs_get_str(nvs, "ssid", (char *)wifi->sta.ssid, &ssid_size);
  if (err == ESP_OK) err = nvs_get_str(nvs, "password", (char *)wifi->sta.password, &password_size);
  nvs_close(nvs);
  return err;
}

static void connect_again(void *context, esp_event_base_t base, int32_t id, void *data) {
  esp_wifi_connect();
}

esp_err_t network_start(void) {
  const wifi_init_config_t init = WIFI_INIT_CONFIG_DEFAULT();
  wifi_config_t wifi = {0};
  esp_err_t err = read_access_point(&wifi);
  if (err != ESP_OK) return err;
  esp_netif_create_default_wifi_sta();
  ESP_ERROR_CHECK(esp_wifi_init(&init));
  ESP_ERROR_CHECK(esp_wifi_set_storage(WIFI_STORAGE_RAM));
  ESP_ERROR_CHECK(esp_event_handler_register(WIFI_EVENT, WIFI_EVENT_STA_START, connect_again, NULL));
  ESP_ERROR_CHECK(esp_event_handler_register(WIFI_EVENT, WIFI_EVENT_STA_DISCONNECTED, connect_again, NULL));
  ESP_ERROR_CHECK(esp_wifi_set_mode(WIFI_MODE_STA));
  ESP_ERROR_CHECK(esp_wifi_set_config(WIFI_IF_STA, &wifi));
  return esp_wifi_start();
}

#else

#include "esp_eth.h"
#include "ethernet_init.h"

esp_err_t network_start(void) {
  const esp_netif_config_t config = ESP_NETIF_DEFAULT_ETH();
  esp_eth_handle_t *handles;
  uint8_t count;
  esp_err_t err = ethernet_init_all(&handles, &count);
  if (err != ESP_OK) return err;
  if (count == 0) return ESP_ERR_NOT_FOUND;
  esp_netif_t *netif = esp_netif_new(&config);
  ESP_ERROR_CHECK(esp_netif_attach(netif, esp_eth_new_netif_glue(handles[0])));
  return esp_eth_start(handles[0]);
}

#endif
