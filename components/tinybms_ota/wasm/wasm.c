// SPDX-License-Identifier: MIT
/**
 * The library as a WebAssembly module: imports in place of the port's functions, exports with plain numbers in place of
 * structs, and the few functions of a C library.
 *
 * Exported functions take addresses and numbers. Times are doubles, because JavaScript has no 64-bit integers without
 * BigInt.
 */
#include "tinybms_ota.h"

#include <string.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define IMPORT(name) __attribute__((import_module("port"), import_name(name)))

IMPORT("subscribe") void import_subscribe(void *context, const char *topic);
IMPORT("unsubscribe") void import_unsubscribe(void *context, const char *topic);
IMPORT("publish")
void import_publish(void *context, const char *topic, const uint8_t *payload, size_t length, int qos, int retain);
IMPORT("set_timer") void import_set_timer(void *context, int timer, double at_ms);
IMPORT("clear_timer") void import_clear_timer(void *context, int timer);
IMPORT("flash") void import_flash(void *context, int operation, uint32_t offset, uint32_t length, const uint8_t *bytes);
IMPORT("store") void import_store(void *context, int what, const char *text, size_t length);
IMPORT("lend_keys") const char *import_lend_keys(void *context, int which);
IMPORT("keys_length") size_t import_keys_length(void *context, int which);
IMPORT("renew_will") void import_renew_will(void *context);
IMPORT("reboot") void import_reboot(void *context);
IMPORT("sha256")
void import_sha256(void *context, const uint8_t *head, size_t head_length, const uint8_t *body, size_t body_length,
                   uint8_t *digest);
IMPORT("verify")
void import_verify(void *context, int kind, int algorithm, const uint8_t *spki, size_t spki_length,
                   const uint8_t *payload, size_t payload_length, const uint8_t *signature, size_t signature_length);
IMPORT("random_below") uint32_t import_random_below(void *context, uint32_t limit);

/* ---- Port ---- */

static void publish(void *context, const char *topic, const uint8_t *payload, size_t length, int qos, bool retain) {
  import_publish(context, topic, payload, length, qos, retain);
}

static void set_timer(void *context, tbo_timer_t timer, uint64_t at_ms) {
  import_set_timer(context, (int)timer, (double)at_ms);
}

static void clear_timer(void *context, tbo_timer_t timer) { import_clear_timer(context, (int)timer); }

static void flash(void *context, tbo_flash_t operation, uint32_t offset, uint32_t length, const uint8_t *bytes) {
  import_flash(context, (int)operation, offset, length, bytes);
}

static void store(void *context, tbo_store_t what, const char *text, size_t length) {
  import_store(context, (int)what, text, length);
}

static const char *lend_keys(void *context, tbo_keys_t which, size_t *length) {
  *length = import_keys_length(context, (int)which);
  return import_lend_keys(context, (int)which);
}

static void verify(void *context, const tbo_verify_t *question) {
  import_verify(context, (int)question->kind, (int)question->algorithm, question->spki.bytes, question->spki.length,
                question->payload.bytes, question->payload.length, question->signature.bytes,
                question->signature.length);
}

/* ---- Machine ---- */

EXPORT("port_size") size_t port_size(void) { return sizeof(tbo_port_t); }

/** Size of the memory of a machine for a slot. */
EXPORT("memory_size") size_t memory_size(uint32_t slot) { return TBO_MEMORY(slot); }

/** Makes a machine. Returns why it can't, or NULL. */
EXPORT("init")
const char *init(tbo_port_t *port, void *context, const char *device, const char *topic_root, const char *product,
                 uint32_t chip_id, uint32_t algorithms, int allow_unsigned, uint32_t window, const uint32_t *timing,
                 void *memory, size_t size) {
  const tbo_port_t functions = {context,   import_subscribe, import_unsubscribe, publish,       set_timer,
                                clear_timer, flash,          store,              lend_keys,     import_renew_will,
                                import_reboot, import_sha256, tbo_p256_has_point, verify,  import_random_below};
  const tbo_config_t config = {device,
                               topic_root,
                               product,
                               (uint16_t)chip_id,
                               (uint8_t)algorithms,
                               allow_unsigned != 0,
                               window,
                               {timing[0], timing[1], timing[2], timing[3], timing[4]}};
  const char *problem = NULL;
  *port = functions;
  tbo_init(&config, port, memory, size, &problem);
  return problem;
}

/** Flags of `boot`. */
enum { PENDING_VERIFY = 1, CLEAN_RESET = 2, ROLLBACK = 4, TARGET_CONDEMNED = 8 };

EXPORT("boot")
void boot(tbo_t *tbo, double now, const char *version, const char *project_name, const char *slot, const char *built_at,
          const uint8_t *sha256, uint32_t flags, uint32_t target_size, uint32_t boot_count, uint32_t secure_version,
          const char *record, size_t record_length) {
  tbo_boot_t found = {.version = version,
                      .project_name = project_name,
                      .slot = slot,
                      .built_at = built_at,
                      .pending_verify = (flags & PENDING_VERIFY) != 0,
                      .clean_reset = (flags & CLEAN_RESET) != 0,
                      .rollback = (flags & ROLLBACK) != 0,
                      .target_condemned = (flags & TARGET_CONDEMNED) != 0,
                      .target_size = target_size,
                      .boot_count = boot_count,
                      .secure_version = secure_version,
                      .record = record,
                      .record_length = record_length};
  memcpy(found.sha256, sha256, sizeof found.sha256);
  const tbo_event_t event = {.type = TBO_EV_BOOTED, .now_ms = (uint64_t)now, .u.boot = &found};
  tbo_handle(tbo, &event);
}

/** Handles an event that has at most one number: a timer, a flag or a network. */
EXPORT("handle")
void handle(tbo_t *tbo, int type, double now, uint32_t value) {
  tbo_event_t event = {.type = (tbo_event_type_t)type, .now_ms = (uint64_t)now};
  if (event.type == TBO_EV_TIMER) event.u.timer = (tbo_timer_t)value;
  else if (event.type == TBO_EV_NETWORK) event.u.network = (tbo_network_t)value;
  else event.u.flag = value != 0;
  tbo_handle(tbo, &event);
}

EXPORT("handle_clock")
void handle_clock(tbo_t *tbo, double now, int is_known, double utc_ms) {
  tbo_event_t event = {.type = TBO_EV_CLOCK, .now_ms = (uint64_t)now};
  event.u.clock.is_known = is_known != 0;
  event.u.clock.utc_ms = is_known != 0 ? (uint64_t)utc_ms : 0;
  tbo_handle(tbo, &event);
}

EXPORT("handle_flash")
void handle_flash(tbo_t *tbo, double now, int operation, int32_t esp_err, const uint8_t *bytes, size_t length) {
  const tbo_event_t event = {.type = TBO_EV_FLASH,
                             .now_ms = (uint64_t)now,
                             .u.flash = {(tbo_flash_t)operation, esp_err, {bytes, length}, NULL}};
  tbo_handle(tbo, &event);
}

/** Answers TBO_FLASH_VERIFY_IMAGE. */
EXPORT("handle_image")
void handle_image(tbo_t *tbo, double now, const uint8_t *stored_sha256, int32_t esp_err, const uint8_t *sha256,
                  uint32_t chip_id, uint32_t secure_version, const char *project_name) {
  tbo_image_t image = {.esp_err = esp_err, .chip_id = chip_id, .secure_version = secure_version, .project_name = project_name};
  memcpy(image.stored_sha256, stored_sha256, sizeof image.stored_sha256);
  memcpy(image.sha256, sha256, sizeof image.sha256);
  const tbo_event_t event = {.type = TBO_EV_FLASH,
                             .now_ms = (uint64_t)now,
                             .u.flash = {TBO_FLASH_VERIFY_IMAGE, 0, {NULL, 0}, &image}};
  tbo_handle(tbo, &event);
}

EXPORT("rx_begin")
int rx_begin(tbo_t *tbo, const char *topic, size_t topic_length, size_t total, int is_retained) {
  return tbo_rx_begin(tbo, topic, topic_length, total, is_retained != 0);
}

EXPORT("rx_data") void rx_data(tbo_t *tbo, size_t offset, const uint8_t *bytes, size_t length) {
  tbo_rx_data(tbo, offset, bytes, length);
}

EXPORT("rx_end") void rx_end(tbo_t *tbo, double now) { tbo_rx_end(tbo, (uint64_t)now); }

EXPORT("report") size_t report(const tbo_t *tbo, int is_online, char *out, size_t size) {
  return tbo_report(tbo, is_online != 0, out, size);
}

/** Writes state, error, received, total, chunks received, chunks useful, requests, and the dropped messages by reason. */
EXPORT("status") void status(const tbo_t *tbo, uint32_t *out) {
  tbo_status_t found;
  tbo_status(tbo, &found);
  const uint32_t numbers[] = {(uint32_t)found.state, (uint32_t)found.error, found.received, found.total,
                              found.chunks_received, found.chunks_useful,   found.requests};
  memcpy(out, numbers, sizeof numbers);
  memcpy(out + 7, found.dropped, sizeof found.dropped);
}

EXPORT("state_text") const char *state_text(uint32_t state) { return tbo_state_text((tbo_state_t)state); }

/* ---- C library ---- */

void *memcpy(void *restrict to, const void *restrict from, size_t length) {
  return __builtin_memcpy(to, from, length); // memory.copy
}

void *memmove(void *to, const void *from, size_t length) { return __builtin_memmove(to, from, length); }

void *memset(void *to, int byte, size_t length) { return __builtin_memset(to, byte, length); }

int memcmp(const void *left, const void *right, size_t length) {
  const uint8_t *a = left, *b = right;
  for (size_t at = 0; at < length; at++) {
    if (a[at] != b[at]) return a[at] - b[at];
  }
  return 0;
}
