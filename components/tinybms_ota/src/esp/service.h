// SPDX-License-Identifier: MIT
/**
 * The service's own state, and what its files give each other.
 *
 * Three tasks take part. esp-mqtt's task puts what arrives into a stream buffer and waits while that is full. The
 * service's task owns the machine; it reads the stream, works on flash and verifies. It never calls esp-mqtt, which
 * would wait for esp-mqtt's lock while esp-mqtt's task, that has the lock, waits for the stream. A third task therefore
 * sends (docs/decisions/0006).
 */
#ifndef TBO_ESP_SERVICE_H
#define TBO_ESP_SERVICE_H

#include "esp_tinybms_ota.h"

#include "codec/time.h"
#include "codec/topic.h"
#include "esp_crypto.h"
#include "esp_flash.h"
#include "esp_nvs_text.h"

#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "freertos/semphr.h"
#include "freertos/stream_buffer.h"
#include "freertos/task.h"

/** Longest key that a board verifies with: the SubjectPublicKeyInfo of RSA-4096. */
#define TBO_ESP_KEY_MAX 600u

/** What stands in the stream before its bytes. */
typedef enum {
  TBO_ESP_IN_CONNECTED,
  TBO_ESP_IN_DISCONNECTED,
  TBO_ESP_IN_NETWORK, /**< The connection failed or was refused; `total` is a tbo_network_t. */
  TBO_ESP_IN_REFUSED, /**< The broker refused a subscription. */
  TBO_ESP_IN_PIECE    /**< A piece of a message: topic, if it is the first, then bytes. */
} tbo_esp_in_kind_t;

/** Header of an entry of the stream. */
typedef struct {
  uint8_t kind; /**< tbo_esp_in_kind_t */
  bool is_retained;
  uint8_t topic_length; /**< 0 except in the first piece. */
  uint16_t length;
  uint32_t total, offset;
} tbo_esp_in_t;

/** What the sending task does. */
typedef enum { TBO_ESP_OUT_PUBLISH, TBO_ESP_OUT_SUBSCRIBE, TBO_ESP_OUT_UNSUBSCRIBE } tbo_esp_out_kind_t;

/** A message for the sending task, which frees it. NULL in its place: the task reads `farewell`. */
typedef struct {
  tbo_esp_out_kind_t kind;
  int qos;
  bool is_retained;
  uint16_t length;
  char topic[TBO_TOPIC_SIZE];
  char payload[];
} tbo_esp_out_t;

/** How the sending task ends. */
typedef enum { TBO_ESP_STAY, TBO_ESP_STOP, TBO_ESP_RESTART } tbo_esp_farewell_t;

/** Requests of other tasks, as bits. */
enum { TBO_ESP_ASK_CONFIRM = 1, TBO_ESP_ASK_REJECT = 2, TBO_ESP_ASK_CANCEL = 4, TBO_ESP_ASK_STOP = 8 };

struct tinybms_ota {
  tinybms_ota_config_t config;
  tbo_t *machine;
  void *memory;
  tbo_port_t port;

  /* Only the service's task uses these. */
  uint64_t timers[TBO_TIMER_COUNT]; /**< UINT64_MAX: not set */
  tbo_esp_request_t request;
  bool has_request, has_question, is_out_lost, is_reboot_due, may_reboot, is_self_test_done, is_connected;
  bool is_refused; /**< The broker refused a subscription. */
  uint8_t polls;
  uint64_t poll_at;
  tbo_verify_t question;
  uint8_t spki[TBO_ESP_KEY_MAX];
  uint8_t key[TBO_ESP_KEY_MAX];
  tbo_esp_flash_t flash;
  nvs_handle_t nvs;
  tbo_nvs_text_t record, key_set;
  char string[TBO_NVS_STRING_SIZE];
  char *lent[2]; /**< Key sets lent to the machine until its call returns. */
  tinybms_ota_event_t event;
  tbo_time_t built_at;

  /* Between the tasks. */
  StreamBufferHandle_t in;
  QueueHandle_t out; /**< of tbo_esp_out_t * */
  volatile tbo_esp_farewell_t farewell; /**< Written before the NULL that announces it is queued. */
  TaskHandle_t task, sender;
  SemaphoreHandle_t ended; /**< Given by each of both tasks when it ends. */
  SemaphoreHandle_t lock;  /**< Guards the members below. Nobody waits for anything while holding it. */
  tbo_status_t status;
  char will[TBO_SCRATCH_SIZE];
  size_t will_length;
  uint32_t asked;

  /* Only esp-mqtt's task uses these. */
  bool is_message_ours;
  char will_topic[TBO_TOPIC_SIZE];
};

/** Milliseconds since the start of the application. */
uint64_t tbo_esp_now(void);

/* esp_mqtt_glue.c */

/** Registers the handler of MQTT events. */
esp_err_t tbo_esp_mqtt_attach(tinybms_ota_handle_t service);
/** Removes the handler. */
void tbo_esp_mqtt_detach(tinybms_ota_handle_t service);
/** The sending task. */
void tbo_esp_mqtt_sender(void *service);
/** Hands a message to the sending task. If there is no room, the oldest message is lost, and that is noted. */
void tbo_esp_mqtt_send(tinybms_ota_handle_t service, tbo_esp_out_kind_t kind, const char *topic, const uint8_t *payload,
                       size_t length, int qos, bool is_retained);
/** Ends the sending task after what it was given before. */
void tbo_esp_mqtt_end(tinybms_ota_handle_t service, tbo_esp_farewell_t farewell);
/** Reads the next entry of the stream and hands it to the machine. @return `false` if the stream is empty. */
bool tbo_esp_mqtt_take(tinybms_ota_handle_t service);

/* esp_provisioning.c */

/**
 * Reads the document of the key set that the device was provisioned with.
 *
 * @return NULL without a key set or memory. The caller frees it.
 */
char *tbo_esp_provisioned_keys(size_t *length);

/* esp_boot.c */

/**
 * Opens NVS, measures the running image and repairs the boot selection.
 *
 * @param[out] boot Its record points to `record`.
 * @param record    Receives the stored record, TBO_ESP_RECORD_SIZE bytes.
 */
esp_err_t tbo_esp_look_around(tinybms_ota_handle_t service, tbo_boot_t *boot, char *record);

/** Size of a buffer for the stored record. */
#define TBO_ESP_RECORD_SIZE 1024u

/* esp_task.c */

/** The service's task. */
void tbo_esp_task(void *service);
/** Fills in the functions that the machine calls. */
void tbo_esp_set_port(tinybms_ota_handle_t service);
/** Passes an event to the machine at the time of the call, and posts events for what changed to the application. */
void tbo_esp_handle(tinybms_ota_handle_t service, tbo_event_t *event);
/** Passes an event to the machine with its flag, timer or network, or with nothing. */
void tbo_esp_event(tinybms_ota_handle_t service, tbo_event_type_t type, unsigned value);
/** Follows up on a call of the machine: frees what was lent, notes status and will, posts events. */
void tbo_esp_after_call(tinybms_ota_handle_t service);

#endif
