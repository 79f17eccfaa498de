// SPDX-License-Identifier: MIT
#include "fake.h"

#include "mqtt_client.h"

#include <stdio.h>
#include <string.h>

#define BUFFER_SIZE 1024u

/** esp-mqtt's task has the lock of its API while it gives an event; other tasks wait for it. */
static bool is_locked = false;
static esp_event_handler_t handler = NULL;
static void *handler_context = NULL;

static bool is_unlocked(void *context) {
  (void)context;
  return !is_locked;
}

static void give(esp_mqtt_event_t *event) {
  if (handler == NULL) return;
  is_locked = true;
  handler(handler_context, "MQTT_EVENTS", (int32_t)event->event_id, event);
  is_locked = false;
}

void fake_mqtt_connect(void) {
  give(&(esp_mqtt_event_t){.event_id = MQTT_EVENT_BEFORE_CONNECT});
  give(&(esp_mqtt_event_t){.event_id = MQTT_EVENT_CONNECTED});
}

void fake_mqtt_disconnect(void) {
  give(&(esp_mqtt_event_t){.event_id = MQTT_EVENT_DISCONNECTED});
}

void fake_mqtt_refuse(void) {
  esp_mqtt_error_codes_t error = {.error_type = MQTT_ERROR_TYPE_SUBSCRIBE_FAILED};
  give(&(esp_mqtt_event_t){.event_id = MQTT_EVENT_SUBSCRIBED, .error_handle = &error});
}

void fake_mqtt_message(char *topic, char *payload, size_t length, bool is_retained) {
  for (size_t at = 0; at < length || at == 0;) {
    const size_t room = at == 0 ? BUFFER_SIZE - strlen(topic) : BUFFER_SIZE;
    const size_t part = length - at < room ? length - at : room;
    give(&(esp_mqtt_event_t){
        .event_id = MQTT_EVENT_DATA,
        .topic = at == 0 ? topic : NULL,
        .topic_len = at == 0 ? (int)strlen(topic) : 0,
        .data = payload + at,
        .data_len = (int)part,
        .total_data_len = (int)length,
        .current_data_offset = (int)at,
        .retain = is_retained,
    });
    at += part;
    if (part == 0) return;
  }
}

static void print_hex(const char *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) printf("%02x", (unsigned char)bytes[i]);
  printf("\n");
}

esp_err_t esp_mqtt_set_config(esp_mqtt_client_handle_t client, const esp_mqtt_client_config_t *config) {
  (void)client;
  const char *ca = config->broker.verification.certificate;
  printf("will %s %s ", config->session.last_will.topic, ca == NULL ? "-" : ca);
  print_hex(config->session.last_will.msg, (size_t)config->session.last_will.msg_len);
  return ESP_OK;
}

esp_err_t esp_mqtt_client_register_event(esp_mqtt_client_handle_t client, esp_mqtt_event_id_t event,
                                         esp_event_handler_t wanted, void *context) {
  (void)client, (void)event;
  handler = wanted;
  handler_context = context;
  return ESP_OK;
}

esp_err_t esp_mqtt_client_unregister_event(esp_mqtt_client_handle_t client, esp_mqtt_event_id_t event,
                                           esp_event_handler_t wanted) {
  (void)client, (void)event, (void)wanted;
  handler = NULL;
  return ESP_OK;
}

int esp_mqtt_client_subscribe_single(esp_mqtt_client_handle_t client, const char *topic, int qos) {
  (void)client;
  fake_wait(is_unlocked, NULL, portMAX_DELAY);
  printf("subscribe %s %d\n", topic, qos);
  return 1;
}

int esp_mqtt_client_unsubscribe(esp_mqtt_client_handle_t client, const char *topic) {
  (void)client;
  fake_wait(is_unlocked, NULL, portMAX_DELAY);
  printf("unsubscribe %s\n", topic);
  return 1;
}

int esp_mqtt_client_enqueue(esp_mqtt_client_handle_t client, const char *topic, const char *data, int len, int qos,
                            int retain, bool store) {
  (void)client, (void)store;
  fake_wait(is_unlocked, NULL, portMAX_DELAY);
  printf("publish %s %d %d ", topic, qos, retain);
  print_hex(data, (size_t)len);
  return 1;
}

int esp_mqtt_client_get_outbox_size(esp_mqtt_client_handle_t client) {
  (void)client;
  fake_wait(is_unlocked, NULL, portMAX_DELAY);
  return 0;
}
