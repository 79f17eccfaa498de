// SPDX-License-Identifier: MIT
#include "service.h"

#include "esp_log.h"
#include "esp_netif.h"
#include "esp_system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Bytes of a message in one entry of the stream. */
#define PIECE_MAX 512u
/** How long a restart waits for messages to leave. */
#define FAREWELL_MS 2000u
#define FAREWELL_STEP_MS 20u

static const char *TAG = "tinybms_ota";

/** Puts an entry into the stream; waits for room. */
static void put(tinybms_ota_handle_t service, const tbo_esp_in_t *entry, const char *topic, const char *bytes) {
  xStreamBufferSend(service->in, entry, sizeof *entry, portMAX_DELAY);
  if (entry->topic_length > 0) xStreamBufferSend(service->in, topic, entry->topic_length, portMAX_DELAY);
  if (entry->length > 0) xStreamBufferSend(service->in, bytes, entry->length, portMAX_DELAY);
  xTaskNotifyGive(service->task);
}

static void put_event(tinybms_ota_handle_t service, tbo_esp_in_kind_t kind, uint32_t value) {
  const tbo_esp_in_t entry = {.kind = (uint8_t)kind, .total = value};
  put(service, &entry, NULL, NULL);
}

static bool is_ours(const tinybms_ota_config_t *config, const char *topic, size_t length) {
  const char *root = config->provisioning->topic;
  const size_t root_length = strlen(root);
  return length > root_length && length < TBO_TOPIC_SIZE && memcmp(topic, root, root_length) == 0 &&
         topic[root_length] == '/';
}

/** esp-mqtt gives a message in pieces of its buffer's size; only the first one has the topic. */
static void put_piece(tinybms_ota_handle_t service, const esp_mqtt_event_t *event) {
  if (event->data_len < 0 || event->total_data_len < 0 || event->current_data_offset < 0) return;
  const bool is_first = event->current_data_offset == 0;
  const uint32_t length = (uint32_t)event->data_len;
  if (is_first) {
    service->is_message_ours = event->topic_len > 0 && is_ours(&service->config, event->topic, (size_t)event->topic_len);
  }
  if (!service->is_message_ours) return;
  for (uint32_t at = 0; at < length || (at == 0 && is_first); at += PIECE_MAX) {
    const uint32_t part = length - at < PIECE_MAX ? length - at : PIECE_MAX;
    const tbo_esp_in_t entry = {
        .kind = TBO_ESP_IN_PIECE,
        .is_retained = event->retain,
        .topic_length = is_first && at == 0 ? (uint8_t)event->topic_len : 0,
        .length = (uint16_t)part,
        .total = (uint32_t)event->total_data_len,
        .offset = (uint32_t)event->current_data_offset + at,
    };
    put(service, &entry, event->topic, event->data + at);
  }
}

/** esp-mqtt takes a will only before it connects, and resets every setting that is not given again. */
static void renew_will(tinybms_ota_handle_t service) {
  esp_mqtt_client_config_t config = *service->config.mqtt_config;
  xSemaphoreTake(service->lock, portMAX_DELAY);
  config.session.last_will.topic = service->will_topic;
  config.session.last_will.msg = service->will;
  config.session.last_will.msg_len = (int)service->will_length;
  config.session.last_will.qos = 1;
  config.session.last_will.retain = 1;
  const esp_err_t err = esp_mqtt_set_config(service->config.mqtt, &config);
  xSemaphoreGive(service->lock);
  if (err != ESP_OK) ESP_LOGE(TAG, "the will could not be set: %s", esp_err_to_name(err));
}

/** Tells the service's task why a connection or a subscription failed. */
static void put_error(tinybms_ota_handle_t service, const esp_mqtt_error_codes_t *error) {
  if (error == NULL) return;
  if (error->error_type == MQTT_ERROR_TYPE_SUBSCRIBE_FAILED) {
    put_event(service, TBO_ESP_IN_REFUSED, 0);
  } else if (error->error_type == MQTT_ERROR_TYPE_CONNECTION_REFUSED) {
    put_event(service, TBO_ESP_IN_NETWORK, TBO_NETWORK_BROKER_REFUSED);
  } else if (error->error_type == MQTT_ERROR_TYPE_TCP_TRANSPORT) {
    esp_netif_t *netif = esp_netif_get_default_netif();
    const bool is_up = netif != NULL && esp_netif_is_netif_up(netif);
    put_event(service, TBO_ESP_IN_NETWORK, is_up ? TBO_NETWORK_UP : TBO_NETWORK_DOWN);
  }
}

static void on_mqtt_event(void *context, esp_event_base_t base, int32_t id, void *data) {
  const esp_mqtt_event_t *event = data;
  tinybms_ota_handle_t service = context;
  (void)base;
  switch ((esp_mqtt_event_id_t)id) {
    case MQTT_EVENT_BEFORE_CONNECT:
      renew_will(service);
      break;
    case MQTT_EVENT_CONNECTED:
      put_event(service, TBO_ESP_IN_CONNECTED, 0);
      break;
    case MQTT_EVENT_DISCONNECTED:
      put_event(service, TBO_ESP_IN_DISCONNECTED, 0);
      break;
    case MQTT_EVENT_DATA:
      put_piece(service, event);
      break;
    case MQTT_EVENT_SUBSCRIBED:
    case MQTT_EVENT_ERROR:
      put_error(service, event->error_handle);
      break;
    default:
      break;
  }
}

esp_err_t tbo_esp_mqtt_attach(tinybms_ota_handle_t service) {
  return esp_mqtt_client_register_event(service->config.mqtt, MQTT_EVENT_ANY, on_mqtt_event, service);
}

void tbo_esp_mqtt_detach(tinybms_ota_handle_t service) {
  esp_mqtt_client_unregister_event(service->config.mqtt, MQTT_EVENT_ANY, on_mqtt_event);
}

/** Reads from the stream what `put` wrote before it notified; the rest of an entry may still be on its way. */
static void read_exactly(tinybms_ota_handle_t service, void *out, size_t length) {
  for (size_t at = 0; at < length;) {
    at += xStreamBufferReceive(service->in, (char *)out + at, length - at, portMAX_DELAY);
  }
}

static void take_piece(tinybms_ota_handle_t service, const tbo_esp_in_t *entry) {
  char topic[TBO_TOPIC_SIZE];
  uint8_t dropped[PIECE_MAX];
  read_exactly(service, topic, entry->topic_length);
  if (entry->topic_length > 0) {
    tbo_rx_begin(service->machine, topic, entry->topic_length, entry->total, entry->is_retained);
  }
  uint8_t *room = tbo_rx_room(service->machine, entry->offset, entry->length);
  if (room == NULL) room = dropped;
  read_exactly(service, room, entry->length);
  tbo_rx_data(service->machine, entry->offset, room, entry->length);
  if (entry->offset + entry->length < entry->total) return;
  tbo_rx_end(service->machine, tbo_esp_now());
  tbo_esp_after_call(service);
}

bool tbo_esp_mqtt_take(tinybms_ota_handle_t service) {
  tbo_esp_in_t entry;
  if (xStreamBufferBytesAvailable(service->in) == 0) return false;
  read_exactly(service, &entry, sizeof entry);
  switch ((tbo_esp_in_kind_t)entry.kind) {
    case TBO_ESP_IN_CONNECTED:
      tbo_esp_event(service, TBO_EV_NETWORK, TBO_NETWORK_UP);
      service->is_connected = true;
      tbo_esp_event(service, TBO_EV_CONNECTED, 0);
      break;
    case TBO_ESP_IN_DISCONNECTED:
      service->is_connected = false;
      tbo_esp_event(service, TBO_EV_DISCONNECTED, 0);
      break;
    case TBO_ESP_IN_NETWORK:
      tbo_esp_event(service, TBO_EV_NETWORK, entry.total);
      break;
    case TBO_ESP_IN_REFUSED:
      service->is_refused = true;
      break;
    case TBO_ESP_IN_PIECE:
      take_piece(service, &entry);
      break;
  }
  return true;
}

/** Queues a message. The service's task must not wait for room: see service.h. */
static void queue(tinybms_ota_handle_t service, tbo_esp_out_t *out) {
  while (xQueueSend(service->out, &out, 0) != pdTRUE) {
    tbo_esp_out_t *oldest = NULL;
    if (xQueueReceive(service->out, &oldest, 0) == pdTRUE) free(oldest);
    service->is_out_lost = true;
  }
}

void tbo_esp_mqtt_send(tinybms_ota_handle_t service, tbo_esp_out_kind_t kind, const char *topic, const uint8_t *payload,
                       size_t length, int qos, bool is_retained) {
  tbo_esp_out_t *out = malloc(sizeof *out + length);
  if (out != NULL) {
    *out = (tbo_esp_out_t){.kind = kind, .qos = qos, .is_retained = is_retained, .length = (uint16_t)length};
    snprintf(out->topic, sizeof out->topic, "%s", topic);
    if (length > 0) memcpy(out->payload, payload, length);
    queue(service, out);
  } else {
    service->is_out_lost = true;
  }
}

void tbo_esp_mqtt_end(tinybms_ota_handle_t service, tbo_esp_farewell_t farewell) {
  service->farewell = farewell;
  queue(service, NULL);
}

/** Restarts once the outbox is empty, or after FAREWELL_MS. */
static void restart(tinybms_ota_handle_t service) {
  for (unsigned waited = 0; waited < FAREWELL_MS; waited += FAREWELL_STEP_MS) {
    if (esp_mqtt_client_get_outbox_size(service->config.mqtt) <= 0) break;
    vTaskDelay(pdMS_TO_TICKS(FAREWELL_STEP_MS));
  }
  esp_restart();
}

static void carry_out(esp_mqtt_client_handle_t mqtt, const tbo_esp_out_t *out) {
  switch (out->kind) {
    case TBO_ESP_OUT_PUBLISH:
      esp_mqtt_client_enqueue(mqtt, out->topic, out->payload, out->length, out->qos, out->is_retained, true);
      break;
    case TBO_ESP_OUT_SUBSCRIBE:
      esp_mqtt_client_subscribe_single(mqtt, out->topic, CONFIG_TINYBMS_OTA_SUBSCRIBE_QOS);
      break;
    case TBO_ESP_OUT_UNSUBSCRIBE:
      esp_mqtt_client_unsubscribe(mqtt, out->topic);
      break;
  }
}

void tbo_esp_mqtt_sender(void *context) {
  tinybms_ota_handle_t service = context;
  for (;;) {
    tbo_esp_out_t *out = NULL;
    if (xQueueReceive(service->out, &out, portMAX_DELAY) != pdTRUE) continue;
    if (out == NULL) break;
    carry_out(service->config.mqtt, out);
    free(out);
  }
  if (service->farewell == TBO_ESP_RESTART) restart(service);
  xSemaphoreGive(service->ended);
  vTaskDelete(NULL);
}
