// SPDX-License-Identifier: MIT
/**
 * Fuzzes the machine: the input is a list of events. Flash is a slot in RAM, and answers may come late, wrong or not at
 * all. Checks that the machine asks only for what a port may do, and stays within its memory.
 */
#include "codec/base64.h"
#include "codec/sha256.h"
#include "tinybms_ota.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGE_SIZE = 9000, CHUNKS = 3, SLOT_SIZE = 4 * 4096, KEY_SET_MAX = 4096 };

/** Most events of an input. A whole update takes about thirty; long inputs would find the same, more slowly. */
enum { EVENTS_MAX = 200 };

/** Aborts if a condition does not hold: libFuzzer keeps the input. */
#define REQUIRE(condition) \
  do { \
    if (!(condition)) { \
      fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
      abort(); \
    } \
  } while (0)

typedef struct {
  tbo_t *tbo;
  void *memory;
  uint8_t slot[SLOT_SIZE];
  char record[1024];
  size_t record_length;
  char key_set[KEY_SET_MAX];
  size_t key_set_length;
  bool has_key_set, must_restart;
  bool is_flash_open, is_verify_open;
  tbo_flash_t operation;
  uint32_t offset, length;
  const uint8_t *bytes;
  uint64_t now;
  uint32_t boots;
} device_t;

typedef struct {
  const uint8_t *at, *end;
} input_t;

static uint8_t image[IMAGE_SIZE];
static uint8_t image_sha256[32];
static uint8_t hash_list[CHUNKS * 16];
static char offer[4096];
static char image_id[33];

static uint8_t next(input_t *input) { return input->at < input->end ? *input->at++ : 0; }

/* ---- port ---- */

static void use(const void *bytes, size_t length) {
  volatile uint8_t sum = 0;
  for (size_t i = 0; i < length; i++) sum = (uint8_t)(sum + ((const uint8_t *)bytes)[i]);
}

static void subscribe(void *context, const char *topic) {
  (void)context;
  REQUIRE(strlen(topic) <= 128);
}

static void publish(void *context, const char *topic, const uint8_t *payload, size_t length, int qos, bool retain) {
  (void)context;
  (void)retain;
  REQUIRE(strlen(topic) <= 128 && length > 0 && length <= 1024 && qos == 1);
  use(payload, length);
}

static void set_timer(void *context, tbo_timer_t timer, uint64_t at_ms) {
  device_t *device = context;
  REQUIRE(timer < TBO_TIMER_COUNT && at_ms >= device->now);
}

static void clear_timer(void *context, tbo_timer_t timer) {
  (void)context;
  REQUIRE(timer < TBO_TIMER_COUNT);
}

static void flash(void *context, tbo_flash_t operation, uint32_t offset, uint32_t length, const uint8_t *bytes) {
  device_t *device = context;
  REQUIRE(!device->is_flash_open);
  REQUIRE(offset <= SLOT_SIZE && length <= SLOT_SIZE - offset);
  if (operation == TBO_FLASH_READ || operation == TBO_FLASH_PROGRAM) REQUIRE(length > 0 && length <= TBO_CHUNK_SIZE);
  if (operation == TBO_FLASH_ERASE) REQUIRE(offset % TBO_CHUNK_SIZE == 0);
  if (operation == TBO_FLASH_PROGRAM) use(bytes, length);
  device->is_flash_open = true;
  device->operation = operation;
  device->offset = offset;
  device->length = length;
  device->bytes = bytes;
}

static void store(void *context, tbo_store_t what, const char *text, size_t length) {
  device_t *device = context;
  const bool is_record = what == TBO_STORE_RECORD;
  char *place = is_record ? device->record : device->key_set;
  REQUIRE(length > 0 && length <= (is_record ? sizeof device->record : sizeof device->key_set));
  memmove(place, text, length);
  *(is_record ? &device->record_length : &device->key_set_length) = length;
}

static const char *lend_keys(void *context, tbo_keys_t which, size_t *length) {
  device_t *device = context;
  if (!device->has_key_set || which != TBO_KEYS_STORED || device->key_set_length == 0) return NULL;
  *length = device->key_set_length;
  return device->key_set;
}

static void renew_will(void *context) { (void)context; }

static void reboot(void *context) { ((device_t *)context)->must_restart = true; }

static void verify(void *context, const tbo_verify_t *question) {
  device_t *device = context;
  REQUIRE(!device->is_verify_open);
  use(question->spki.bytes, question->spki.length);
  use(question->payload.bytes, question->payload.length);
  use(question->signature.bytes, question->signature.length);
  use(question->digest, 32);
  device->is_verify_open = true;
}

static uint32_t random_below(void *context, uint32_t limit) {
  (void)context;
  REQUIRE(limit > 0);
  return limit / 2;
}

/* ---- documents ---- */

static void hex(const uint8_t *bytes, size_t length, char *text) {
  for (size_t i = 0; i < length; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static void seal(const char *payload, char *envelope, size_t size) {
  char base64[4096];
  tbo_base64_encode((const uint8_t *)payload, strlen(payload), base64);
  snprintf(envelope, size, "{\"payload\":\"%.*s\",\"signatures\":[]}", (int)((strlen(payload) + 2) / 3 * 4), base64);
}

static void make_documents(void) {
  char document[3000], envelope[2000], sha256[65], list_sha256[65];
  uint8_t digest[32];
  uint32_t state = 1;
  for (size_t i = 0; i < IMAGE_SIZE; i++) {
    state = state * 1103515245u + 12345u;
    image[i] = (uint8_t)(state >> 16);
  }
  for (size_t i = 0; i < CHUNKS; i++) {
    const size_t rest = IMAGE_SIZE - i * TBO_CHUNK_SIZE;
    tbo_sha256(NULL, image + i * TBO_CHUNK_SIZE, rest < TBO_CHUNK_SIZE ? rest : TBO_CHUNK_SIZE, NULL, 0, digest);
    memcpy(hash_list + 16 * i, digest, 16);
  }
  tbo_sha256(NULL, image, IMAGE_SIZE, NULL, 0, image_sha256);
  hex(image_sha256, 32, sha256);
  memcpy(image_id, sha256, 32);
  tbo_sha256(NULL, hash_list, sizeof hash_list, NULL, 0, digest);
  hex(digest, 32, list_sha256);
  snprintf(document, sizeof document,
           "{\"release\":1,\"product\":\"Bench\",\"hardware\":\"esp32\",\"version\":\"1.1.0\","
           "\"created_at\":\"2026-01-01T00:00:00Z\",\"image\":{\"sha256\":\"%s\",\"size\":%d,\"chunk_size\":4096,"
           "\"hash_list_sha256\":\"%s\",\"secure_version\":0,\"chip_id\":0}}",
           sha256, IMAGE_SIZE, list_sha256);
  seal(document, envelope, sizeof envelope);
  snprintf(document, sizeof document,
           "{\"offer\":1,\"id\":\"00112233445566778899aabbccddeeff\",\"topic_root\":\"t\",\"epoch\":1,\"sequence\":1,"
           "\"issued_at\":\"2026-01-01T00:00:00Z\",\"chunk_encodings\":[\"identity\"],\"target\":\"all\",\"release\":%s}",
           envelope);
  seal(document, offer, sizeof offer);
}

/* ---- events ---- */

static void restart(device_t *device, uint8_t flags) {
  static const tbo_port_t template = {
      .subscribe = subscribe, .unsubscribe = subscribe, .publish = publish, .set_timer = set_timer,
      .clear_timer = clear_timer, .flash = flash, .store = store, .lend_keys = lend_keys, .renew_will = renew_will,
      .reboot = reboot, .sha256 = tbo_sha256, .has_point = tbo_p256_has_point,
      .verify = verify, .random_below = random_below};
  static tbo_port_t port;
  const tbo_config_t config = {.device = "d", .topic_root = "t", .product = "Bench",
                               .algorithms = TBO_ALGORITHMS_DEFAULT, .allow_unsigned = !device->has_key_set,
                               .window = flags & 1u ? 2 : 0, .timing = TBO_TIMING_DEFAULT};
  const char *problem = NULL;
  port = template;
  port.context = device;
  free(device->memory);
  device->memory = malloc(TBO_MEMORY(SLOT_SIZE));
  device->tbo = tbo_init(&config, &port, device->memory, TBO_MEMORY(SLOT_SIZE), &problem);
  REQUIRE(device->tbo != NULL);
  device->is_flash_open = device->is_verify_open = device->must_restart = false;
  device->boots++;
  tbo_boot_t boot = {.version = "1.0.0", .project_name = "bench", .slot = "ota_0",
                     .pending_verify = (flags & 2u) != 0, .clean_reset = (flags & 4u) != 0, .rollback = true,
                     .target_condemned = (flags & 8u) != 0, .target_size = flags & 16u ? 0 : SLOT_SIZE,
                     .boot_count = device->boots,
                     .record = device->record_length > 0 ? device->record : NULL,
                     .record_length = device->record_length};
  if (flags & 32u) memcpy(boot.sha256, image_sha256, sizeof boot.sha256);
  const tbo_event_t event = {.type = TBO_EV_BOOTED, .now_ms = device->now, .u = {.boot = &boot}};
  tbo_handle(device->tbo, &event);
}

/** Answers the open flash operation; `fault` is an `esp_err_t`, 0 for none. */
static void answer_flash(device_t *device, uint8_t fault) {
  tbo_image_t found = {.esp_err = fault & 2u ? 0x2002 : 0, .project_name = fault & 4u ? "other" : "bench"};
  tbo_event_t event = {.type = TBO_EV_FLASH, .now_ms = device->now};
  tbo_flash_answer_t *answer = &event.u.flash;
  if (!device->is_flash_open) return;
  device->is_flash_open = false;
  answer->operation = device->operation;
  answer->esp_err = fault & 1u ? 0x105 : 0;
  uint8_t *at = device->slot + device->offset;
  if (answer->esp_err == 0) {
    if (device->operation == TBO_FLASH_ERASE) memset(at, 0xff, TBO_CHUNK_SIZE);
    if (device->operation == TBO_FLASH_PROGRAM) memcpy(at, device->bytes, device->length);
    if (device->operation == TBO_FLASH_READ) answer->bytes = (tbo_piece_t){at, device->length};
    if (device->operation == TBO_FLASH_VERIFY_IMAGE) {
      tbo_sha256(NULL, device->slot, device->length, NULL, 0, found.stored_sha256);
      memcpy(found.sha256, found.stored_sha256, sizeof found.sha256);
      answer->image = &found;
    }
  }
  tbo_handle(device->tbo, &event);
}

/** Delivers a piece, in some messages where the machine keeps it. */
static void deliver_piece(tbo_t *tbo, size_t offset, const uint8_t *bytes, size_t length, uint8_t how) {
  uint8_t *room = how & 4u ? tbo_rx_room(tbo, offset, length) : NULL;
  if (room != NULL) bytes = memcpy(room, bytes, length);
  tbo_rx_data(tbo, offset, bytes, length);
}

/** Delivers a message in pieces, of which one may lie about its place. */
static void deliver(device_t *device, const char *topic, const uint8_t *bytes, size_t length, uint8_t how) {
  const size_t piece = how % 7u == 0 ? length + 1 : (size_t)how * 5u + 1u;
  const size_t total = how % 11u == 10 ? length + how : length;
  if (!tbo_rx_begin(device->tbo, topic, strlen(topic), total, (how & 1u) != 0) && how & 2u) return;
  for (size_t at = 0; at < length; at += piece) {
    const size_t offset = how % 13u == 12 ? at + how : at;
    deliver_piece(device->tbo, offset, bytes + at, length - at < piece ? length - at : piece, how);
  }
  tbo_rx_end(device->tbo, device->now);
}

static void deliver_chunk(device_t *device, uint8_t index, uint8_t how) {
  uint8_t message[20 + TBO_CHUNK_SIZE];
  char topic[64];
  const size_t offset = (size_t)(index % CHUNKS) * TBO_CHUNK_SIZE;
  const size_t rest = IMAGE_SIZE - offset, length = rest < TBO_CHUNK_SIZE ? rest : TBO_CHUNK_SIZE;
  const uint8_t header[20] = {0x54, 0x42, 1, 0, [12] = (uint8_t)(index % CHUNKS), [16] = (uint8_t)length,
                              [17] = (uint8_t)(length >> 8)};
  memcpy(message, header, sizeof header);
  memcpy(message + 4, image_sha256, 8);
  memcpy(message + 20, image + offset, length);
  if (how & 128u) message[how % (20 + length)] ^= 1u;
  snprintf(topic, sizeof topic, "t/v1/image/%s/chunk", image_id);
  deliver(device, topic, message, 20 + length, how & 127u);
}

/** Delivers bytes of the input on one of the device's topics. */
static void deliver_raw(device_t *device, input_t *input) {
  static const char *const topics[] = {"t/v1/offer", "t/v1/device/d/offer", "t/v1/keys/2", "t/v1/device/d/chunk",
                                       "t/v1/image/0123456789abcdef0123456789abcdef/hashes", "t/v1", ""};
  const uint8_t which = next(input), how = next(input);
  size_t length = (size_t)next(input) << 8;
  length |= next(input);
  if (length > (size_t)(input->end - input->at)) length = (size_t)(input->end - input->at);
  const uint8_t *bytes = input->at;
  input->at += length;
  deliver(device, topics[which % (sizeof topics / sizeof *topics)], bytes, length, how);
}

static void simple(device_t *device, tbo_event_type_t type, uint8_t value) {
  tbo_event_t event = {.type = type, .now_ms = device->now};
  if (type == TBO_EV_TIMER) event.u.timer = (tbo_timer_t)(value % TBO_TIMER_COUNT);
  else if (type == TBO_EV_NETWORK) event.u.network = (tbo_network_t)(value % 3);
  else if (type == TBO_EV_CLOCK) event.u.clock.is_known = (value & 1u) != 0, event.u.clock.utc_ms = (uint64_t)value << 34;
  else event.u.flag = (value & 1u) != 0;
  tbo_handle(device->tbo, &event);
}

static void step(device_t *device, input_t *input) {
  char topic[64];
  const uint8_t operation = next(input) % 16u, value = next(input);
  switch (operation) {
    case 0: restart(device, value); return;
    case 1: simple(device, TBO_EV_CONNECTED, 0); return;
    case 2: simple(device, TBO_EV_DISCONNECTED, 0); return;
    case 3: device->now += (uint64_t)value * 300u; simple(device, TBO_EV_TIMER, next(input)); return;
    case 4: case 5: case 6: answer_flash(device, value > 200 ? value : 0); return;
    case 7: if (device->is_verify_open) { device->is_verify_open = false; simple(device, TBO_EV_VERIFIED, value); } return;
    case 8: simple(device, TBO_EV_SELF_TEST, value); return;
    case 9: simple(device, value & 1u ? TBO_EV_CANCEL : TBO_EV_MAY_REBOOT, value >> 1); return;
    case 10: simple(device, value & 1u ? TBO_EV_CLOCK : TBO_EV_NETWORK, value >> 1); return;
    case 11: deliver_raw(device, input); return;
    case 12: deliver(device, "t/v1/offer", (const uint8_t *)offer, strlen(offer), value); return;
    case 13:
      snprintf(topic, sizeof topic, "t/v1/image/%s/hashes", image_id);
      deliver(device, topic, hash_list, sizeof hash_list, value);
      return;
    default: deliver_chunk(device, value, next(input)); return;
  }
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc;
  (void)argv;
  make_documents();
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  device_t device = {0};
  input_t input = {data, data + size};
  char report[TBO_SCRATCH_SIZE];
  tbo_status_t status;
  memset(device.slot, 0xff, sizeof device.slot);
  restart(&device, next(&input));
  for (unsigned events = 0; events < EVENTS_MAX && input.at < input.end; events++) {
    step(&device, &input);
    if (device.must_restart || (device.is_flash_open && device.operation == TBO_FLASH_ROLL_BACK && next(&input) & 1u)) {
      restart(&device, next(&input));
    }
    tbo_status(device.tbo, &status);
    REQUIRE(status.received <= status.total && status.state < TBO_STATE_COUNT && status.error < TBO_CODE_COUNT);
    REQUIRE(tbo_report(device.tbo, true, report, sizeof report) > 0);
  }
  free(device.memory);
  return 0;
}
