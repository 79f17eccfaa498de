// SPDX-License-Identifier: MIT
#include "service.h"

#include "esp_log.h"
#include "esp_random.h"
#include "esp_timer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define POLL_MS 1000u
/** Polls after which the device may subscribe again: a cluster refuses subscriptions while it elects a leader. */
#define SUBSCRIBE_POLLS 32u
/** A clock before this was never set: 2024-01-01. */
#define CLOCK_MIN_S 1704067200ll
/** Characters of a stored key set: it may have been escaped to ASCII. */
#define KEY_SET_TEXT_SIZE 6144u

static const char *TAG = "tinybms_ota";

uint64_t tbo_esp_now(void) {
  return (uint64_t)(esp_timer_get_time() / 1000);
}

/* Functions that the machine calls. */

static void port_subscribe(void *context, const char *topic) {
  tbo_esp_mqtt_send(context, TBO_ESP_OUT_SUBSCRIBE, topic, NULL, 0, 1, false);
}

static void port_unsubscribe(void *context, const char *topic) {
  tbo_esp_mqtt_send(context, TBO_ESP_OUT_UNSUBSCRIBE, topic, NULL, 0, 0, false);
}

static void port_publish(void *context, const char *topic, const uint8_t *payload, size_t length, int qos, bool retain) {
  tbo_esp_mqtt_send(context, TBO_ESP_OUT_PUBLISH, topic, payload, length, qos, retain);
}

static void port_set_timer(void *context, tbo_timer_t timer, uint64_t at_ms) {
  ((tinybms_ota_handle_t)context)->timers[timer] = at_ms;
}

static void port_clear_timer(void *context, tbo_timer_t timer) {
  ((tinybms_ota_handle_t)context)->timers[timer] = UINT64_MAX;
}

static void port_flash(void *context, tbo_flash_t operation, uint32_t offset, uint32_t length, const uint8_t *bytes) {
  tinybms_ota_handle_t service = context;
  service->request = (tbo_esp_request_t){operation, offset, length, bytes};
  service->has_request = true;
}

static void port_store(void *context, tbo_store_t what, const char *text, size_t length) {
  tinybms_ota_handle_t service = context;
  const bool is_record = what == TBO_STORE_RECORD;
  const esp_err_t err = tbo_nvs_text_store(is_record ? &service->record : &service->key_set, text, length);
  if (is_record) service->flash.is_record_lost = err != ESP_OK;
  if (err != ESP_OK) ESP_LOGE(TAG, "NVS: %s; the previous %s stands", esp_err_to_name(err), is_record ? "record" : "key set");
}

static const char *port_lend_keys(void *context, tbo_keys_t which, size_t *length) {
  tinybms_ota_handle_t service = context;
  char **lent = &service->lent[which == TBO_KEYS_STORED];
  free(*lent);
  *lent = NULL;
  if (which == TBO_KEYS_PROVISIONED) return *lent = tbo_esp_provisioned_keys(length);
  *lent = malloc(KEY_SET_TEXT_SIZE);
  if (*lent != NULL) *length = tbo_nvs_text_open(&service->key_set, *lent, KEY_SET_TEXT_SIZE);
  return *lent != NULL && *length > 0 ? *lent : NULL;
}

static void port_reboot(void *context) {
  ((tinybms_ota_handle_t)context)->is_reboot_due = true;
}

static tbo_piece_t copy_of(tbo_piece_t piece, uint8_t to[TBO_ESP_KEY_MAX]) {
  if (piece.length > TBO_ESP_KEY_MAX) return (tbo_piece_t){to, 0};
  memcpy(to, piece.bytes, piece.length);
  return (tbo_piece_t){to, piece.length};
}

static void port_verify(void *context, const tbo_verify_t *question) {
  tinybms_ota_handle_t service = context;
  service->question = *question;
  service->question.spki = copy_of(question->spki, service->spki);
  service->question.key = copy_of(question->key, service->key);
  service->has_question = true;
}

static uint32_t port_random_below(void *context, uint32_t limit) {
  (void)context;
  return esp_random() % limit;
}

void tbo_esp_set_port(tinybms_ota_handle_t service) {
  service->port = (tbo_port_t){
      .context = service,
      .subscribe = port_subscribe,
      .unsubscribe = port_unsubscribe,
      .publish = port_publish,
      .set_timer = port_set_timer,
      .clear_timer = port_clear_timer,
      .flash = port_flash,
      .store = port_store,
      .lend_keys = port_lend_keys,
      .reboot = port_reboot,
      .sha256 = tbo_esp_sha256,
      .has_point = tbo_esp_has_point,
      .verify = port_verify,
      .random_below = port_random_below,
  };
}

/* Posts an event to the application. */

static void post(const tinybms_ota_event_t *event, tinybms_ota_event_id_t id) {
  esp_event_post(TINYBMS_OTA_EVENT, (int32_t)id, event, sizeof *event, 0);
}

static uint32_t hundredths(const tinybms_ota_event_t *event) {
  return event->total == 0 ? 0 : event->received * 100u / event->total;
}

static void tell(tinybms_ota_handle_t service, const tbo_status_t *status) {
  const tinybms_ota_event_t before = service->event;
  const tinybms_ota_event_t event = {status->state, status->error, status->received, status->total};
  service->event = event;
  if (hundredths(&before) != hundredths(&event) && event.total > 0) post(&event, TINYBMS_OTA_EVENT_PROGRESS);
  if (before.state == event.state) return;
  ESP_LOGI(TAG, "%s %s", tbo_state_text(event.state), tbo_code_text(event.error));
  post(&event, TINYBMS_OTA_EVENT_STATE);
  if (event.state == TBO_STATE_CONFIRMED) post(&event, TINYBMS_OTA_EVENT_CONFIRMED);
  const bool is_failed = event.state == TBO_STATE_FAILED || event.state == TBO_STATE_REJECTED;
  if (is_failed || event.state == TBO_STATE_ROLLED_BACK) post(&event, TINYBMS_OTA_EVENT_FAILED);
}

void tbo_esp_after_call(tinybms_ota_handle_t service) {
  tbo_status_t status;
  for (unsigned i = 0; i < 2; i++) {
    free(service->lent[i]);
    service->lent[i] = NULL;
  }
  tbo_status(service->machine, &status);
  xSemaphoreTake(service->lock, portMAX_DELAY);
  service->status = status;
  xSemaphoreGive(service->lock);
  tell(service, &status);
}

/** The will of the next connection is the report as of now; readers take only `online` from it. */
static void note_will(tinybms_ota_handle_t service) {
  xSemaphoreTake(service->lock, portMAX_DELAY);
  service->will_length = tbo_report(service->machine, false, service->will, sizeof service->will);
  xSemaphoreGive(service->lock);
}

void tbo_esp_handle(tinybms_ota_handle_t service, tbo_event_t *event) {
  event->now_ms = tbo_esp_now();
  tbo_handle(service->machine, event);
  tbo_esp_after_call(service);
  if (event->type == TBO_EV_BOOTED || event->type == TBO_EV_DISCONNECTED) note_will(service);
}

void tbo_esp_event(tinybms_ota_handle_t service, tbo_event_type_t type, unsigned value) {
  tbo_event_t event = {.type = type};
  if (type == TBO_EV_TIMER) event.u.timer = (tbo_timer_t)value;
  else if (type == TBO_EV_NETWORK) event.u.network = (tbo_network_t)value;
  else event.u.flag = value != 0;
  tbo_esp_handle(service, &event);
}

/* One turn of the task. Each function returns whether it found something to do. */

static bool run_timer(tinybms_ota_handle_t service) {
  for (unsigned i = 0; i < TBO_TIMER_COUNT; i++) {
    if (service->timers[i] > tbo_esp_now()) continue;
    service->timers[i] = UINT64_MAX;
    tbo_esp_event(service, TBO_EV_TIMER, i);
    return true;
  }
  return false;
}

static bool run_flash(tinybms_ota_handle_t service) {
  tbo_event_t event = {.type = TBO_EV_FLASH};
  const tbo_flash_answer_t *answer = &event.u.flash;
  if (!service->has_request) return false;
  service->has_request = false;
  tbo_esp_flash_run(&service->flash, &service->request, &event.u.flash);
  if (answer->esp_err != ESP_OK) {
    ESP_LOGW(TAG, "flash operation %d at 0x%" PRIx32 ": %s", (int)answer->operation, service->request.offset,
             esp_err_to_name(answer->esp_err));
  }
  tbo_esp_handle(service, &event);
  return true;
}

static bool run_verification(tinybms_ota_handle_t service) {
  if (!service->has_question) return false;
  service->has_question = false;
  const uint64_t begun = tbo_esp_now();
  const bool is_valid = tbo_esp_verify(&service->question);
  ESP_LOGD(TAG, "verification: %s, %" PRIu64 " ms", is_valid ? "valid" : "invalid", tbo_esp_now() - begun);
  tbo_esp_event(service, TBO_EV_VERIFIED, is_valid);
  return true;
}

static bool run_self_test(tinybms_ota_handle_t service) {
  const tinybms_ota_config_t *config = &service->config;
  if (service->is_self_test_done || config->is_confirmed_by_hand || !service->is_connected) return false;
  if (service->event.state != TBO_STATE_PENDING_VERIFY) return false;
  service->is_self_test_done = true;
  const bool has_passed = config->self_test == NULL || config->self_test(config->context);
  tbo_esp_event(service, TBO_EV_SELF_TEST, has_passed);
  return true;
}

static bool run_asked(tinybms_ota_handle_t service, bool *is_stopping) {
  xSemaphoreTake(service->lock, portMAX_DELAY);
  const uint32_t asked = service->asked;
  service->asked = 0;
  xSemaphoreGive(service->lock);
  if (asked & TBO_ESP_ASK_CANCEL) tbo_esp_event(service, TBO_EV_CANCEL, 0);
  if (asked & (TBO_ESP_ASK_CONFIRM | TBO_ESP_ASK_REJECT)) {
    const bool has_passed = (asked & TBO_ESP_ASK_REJECT) == 0;
    tbo_esp_event(service, TBO_EV_SELF_TEST, has_passed);
  }
  *is_stopping = (asked & TBO_ESP_ASK_STOP) != 0;
  return asked != 0;
}

/** Restarts once the application lets the device. */
static bool run_reboot(tinybms_ota_handle_t service) {
  if (!service->is_reboot_due || !service->may_reboot) return false;
  service->is_reboot_due = false;
  post(&service->event, TINYBMS_OTA_EVENT_REBOOT);
  tbo_esp_mqtt_end(service, TBO_ESP_RESTART);
  return true;
}

/** Subscribes and reports again after a message could not be passed to the sending task, or the broker refused one. */
static bool run_loss(tinybms_ota_handle_t service) {
  if (!service->is_out_lost || uxQueueMessagesWaiting(service->out) > 0) return false;
  service->is_out_lost = false;
  if (!service->is_connected) return false;
  tbo_esp_event(service, TBO_EV_DISCONNECTED, 0);
  tbo_esp_event(service, TBO_EV_CONNECTED, 0);
  return true;
}

/**
 * Polls once a second what has no event: the clock, whether the application allows a restart, and whether it is time to
 * subscribe again.
 */
static bool poll(tinybms_ota_handle_t service) {
  const tinybms_ota_config_t *config = &service->config;
  const uint64_t now = tbo_esp_now();
  struct timeval clock = {0};
  tbo_event_t event = {.type = TBO_EV_CLOCK};
  if (now < service->poll_at) return false;
  service->poll_at = now + POLL_MS;
  gettimeofday(&clock, NULL);
  event.u.clock.is_known = (long long)clock.tv_sec >= CLOCK_MIN_S;
  event.u.clock.utc_ms = (uint64_t)clock.tv_sec * 1000u + (uint64_t)clock.tv_usec / 1000u;
  tbo_esp_handle(service, &event);
  if (++service->polls % SUBSCRIBE_POLLS == 0 && service->is_refused) {
    service->is_refused = false;
    service->is_out_lost = true;
  }
  const bool may_reboot = config->may_reboot == NULL || config->may_reboot(config->context);
  if (may_reboot != service->may_reboot) {
    service->may_reboot = may_reboot;
    tbo_esp_event(service, TBO_EV_MAY_REBOOT, may_reboot);
  }
  return true;
}

/** Waits for something to do: an entry of the stream, a request of another task, a timer, or the next poll. */
static void rest(const tinybms_ota_handle_t service) {
  const uint64_t now = tbo_esp_now();
  uint64_t until = service->poll_at;
  for (unsigned i = 0; i < TBO_TIMER_COUNT; i++) {
    if (service->timers[i] < until) until = service->timers[i];
  }
  if (until > now) ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS((uint32_t)(until - now)) + 1u);
}

void tbo_esp_task(void *context) {
  tinybms_ota_handle_t service = context;
  for (bool is_stopping = false; !is_stopping;) {
    // The stream comes last: what arrives waits until flash and verifications are done.
    const bool is_busy = run_asked(service, &is_stopping) || run_timer(service) || poll(service) || run_flash(service) ||
                         run_verification(service) || run_reboot(service) || run_self_test(service) ||
                         run_loss(service) || tbo_esp_mqtt_take(service);
    if (!is_busy) rest(service);
  }
  tbo_esp_mqtt_end(service, TBO_ESP_STOP);
  xSemaphoreGive(service->ended);
  vTaskDelete(NULL);
}
