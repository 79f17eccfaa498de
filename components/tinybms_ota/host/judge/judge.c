// SPDX-License-Identifier: MIT
/**
 * Drives the machine with the events that it reads, and writes what the machine does. Uses no C library beyond string.h,
 * so that it runs wherever platform.h is implemented.
 *
 * Numbers are little-endian. A blob is a u32 length and as many bytes; the length ABSENT stands for NULL. Texts are blobs
 * that end with a zero byte. `scripts/device-judge/judge-process.ts` writes the input and reads the output:
 *
 *     V  a vector begins: the device's config, its key set and its random numbers
 *     B  it boots         E  an event with one number     C  the clock
 *     F  a flash answer   I  what an image is             M  a message
 *
 * Each but V is answered by a u32 length and so many bytes: the actions, `Z`, the machine's state, error code, received and
 * total chunks, its will, and the instructions that the machine took.
 */
#include "platform.h"
#include "tinybms_ota.h"

#include "codec/sha256.h"

#include <string.h>

#define ABSENT 0xffffffffu

enum { BLOCKS_MAX = 16, RANDOM_MAX = 64, ANSWER_SIZE = 65536, KEYS_SIZE = 8192 };

/** Size of the pieces in which a message arrives: the buffer of esp-mqtt, as it is by default. */
enum { PIECE_SIZE = 1024 };

/** Blocks of memory that end together. */
typedef struct {
  void *blocks[BLOCKS_MAX];
  unsigned count;
} life_t;

typedef struct {
  uint8_t *bytes;
  uint32_t length;
} blob_t;

static life_t vector_life, boot_life, event_life;
static tbo_t *machine;
static tbo_config_t config;
static blob_t provisioned;
static uint8_t stored_keys[KEYS_SIZE];
static size_t stored_keys_length;
static uint32_t permille[RANDOM_MAX], permille_count, drawn;
static uint8_t answer[ANSWER_SIZE];
static size_t answer_length;
/** Instructions of the machine in this event, and when the machine got control the last time. */
static uint64_t spent, entered;

/* ---- Input and output ---- */

static void fail(void) { judge_exit(3); }

/** Fills `bytes`. Returns false at the end of the input. */
static bool take(uint8_t *bytes, size_t length) {
  while (length > 0) {
    const size_t got = judge_read(bytes, length);
    if (got == 0) return false;
    bytes += got;
    length -= got;
  }
  return true;
}

static uint64_t number(size_t size) {
  uint8_t bytes[8];
  uint64_t value = 0;
  if (!take(bytes, size)) fail();
  for (size_t at = size; at-- > 0;) value = value << 8 | bytes[at];
  return value;
}

static uint32_t u32(void) { return (uint32_t)number(4); }

static void *allocate(life_t *life, size_t size) {
  void *block = judge_allocate(size);
  if (life->count == BLOCKS_MAX) fail();
  life->blocks[life->count++] = block;
  return block;
}

static void end(life_t *life) {
  while (life->count > 0) judge_free(life->blocks[--life->count]);
}

static blob_t blob(life_t *life) {
  blob_t blob = {NULL, u32()};
  if (blob.length == ABSENT) return (blob_t){NULL, 0};
  blob.bytes = allocate(life, blob.length);
  if (!take(blob.bytes, blob.length)) fail();
  return blob;
}

static const char *text(life_t *life) { return (const char *)blob(life).bytes; }

static void put(const void *bytes, size_t length) {
  if (length > ANSWER_SIZE - answer_length) fail();
  if (length > 0) memcpy(answer + answer_length, bytes, length);
  answer_length += length;
}

static void put_number(uint64_t value, size_t size) {
  for (size_t at = 0; at < size; at++, value >>= 8) put(&(uint8_t){(uint8_t)value}, 1);
}

static void put_u32(uint32_t value) { put_number(value, 4); }

static void put_blob(const void *bytes, size_t length) {
  put_u32((uint32_t)length);
  put(bytes, length);
}

/* ---- Port ---- */

/** Stops counting: the judge has control. */
static void leave(void) { spent += judge_instructions() - entered; }

/** Counts on: the machine has control. */
static void enter(void) { entered = judge_instructions(); }

/** Begins an action. */
static void act(char type) {
  leave();
  put(&type, 1);
}

static void subscribe(void *context, const char *topic) {
  (void)context;
  act('s');
  put_blob(topic, strlen(topic));
  enter();
}

static void unsubscribe(void *context, const char *topic) {
  (void)context;
  act('u');
  put_blob(topic, strlen(topic));
  enter();
}

static void publish(void *context, const char *topic, const uint8_t *payload, size_t length, int qos, bool retain) {
  (void)context;
  act('p');
  put_blob(topic, strlen(topic));
  put_blob(payload, length);
  put_u32((uint32_t)qos);
  put_u32(retain);
  enter();
}

static void set_timer(void *context, tbo_timer_t timer, uint64_t at_ms) {
  (void)context;
  act('t');
  put_u32(timer);
  put_number(at_ms, 8);
  enter();
}

static void clear_timer(void *context, tbo_timer_t timer) {
  (void)context;
  act('c');
  put_u32(timer);
  enter();
}

static void flash(void *context, tbo_flash_t operation, uint32_t offset, uint32_t length, const uint8_t *bytes) {
  (void)context;
  act('f');
  put_u32(operation);
  put_u32(offset);
  put_u32(length);
  put_blob(bytes, bytes == NULL ? 0 : length);
  enter();
}

static void store(void *context, tbo_store_t what, const char *stored, size_t length) {
  (void)context;
  act('w');
  put_u32(what);
  put_blob(stored, length);
  if (what == TBO_STORE_KEY_SET) {
    if (length > KEYS_SIZE) fail();
    memmove(stored_keys, stored, length);
    stored_keys_length = length;
  }
  enter();
}

static const char *lend_keys(void *context, tbo_keys_t which, size_t *length) {
  const bool is_stored = which == TBO_KEYS_STORED;
  (void)context;
  *length = is_stored ? stored_keys_length : provisioned.length;
  if (*length == 0) return NULL;
  return (const char *)(is_stored ? stored_keys : provisioned.bytes);
}

static void renew_will(void *context) {
  (void)context;
  act('l');
  enter();
}

static void reboot(void *context) {
  (void)context;
  act('r');
  enter();
}

static void sha256(void *context, const uint8_t *head, size_t head_length, const uint8_t *body, size_t body_length,
                   uint8_t digest[32]) {
  leave();
  tbo_sha256(context, head, head_length, body, body_length, digest);
  enter();
}

static void verify(void *context, const tbo_verify_t *question) {
  (void)context;
  act('v');
  put_u32(question->kind);
  put_u32(question->algorithm);
  put_blob(question->spki.bytes, question->spki.length);
  put_blob(question->key.bytes, question->key.length);
  put_blob(question->payload.bytes, question->payload.length);
  put_blob(question->digest, 32);
  put_blob(question->signature.bytes, question->signature.length);
  enter();
}

static uint32_t random_below(void *context, uint32_t limit) {
  (void)context;
  leave();
  const uint32_t random = (uint32_t)((uint64_t)permille[drawn++ % permille_count] * limit / 1000u);
  enter();
  return random;
}

static const tbo_port_t port = {NULL,  subscribe, unsubscribe, publish,    set_timer, clear_timer, flash,
                                store, lend_keys, renew_will,  reboot,     sha256,    tbo_p256_has_point, verify,
                                random_below};

/* ---- What the machine refuses ---- */

static void expect_refusal(const tbo_config_t *wrong, void *memory, size_t size) {
  const char *problem = NULL;
  if (tbo_init(wrong, &port, memory, size, &problem) != NULL || problem == NULL) judge_exit(5);
}

static tbo_config_t *copy_of(tbo_config_t *copy) {
  *copy = config;
  return copy;
}

/** Checks that no machine is made with too little memory or without a part of the config. */
static void check_refusals(void *memory, size_t size) {
  static const char *const devices[] = {NULL, "", "-a", "a b", "a/b",
                                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
  static const char *const roots[] = {NULL, "", "$SYS", "a+", "a#", "\x1f", "\x7f", "\xc2\x9f", "\xff",
                                      "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"};
  tbo_config_t wrong;
  expect_refusal(&config, NULL, size);
  expect_refusal(&config, (uint8_t *)memory + 1, size - 1);
  expect_refusal(&config, memory, TBO_MEMORY(1) - TBO_LIST_SIZE(1));
  for (size_t at = 0; at < sizeof devices / sizeof *devices; at++) {
    copy_of(&wrong)->device = devices[at];
    expect_refusal(&wrong, memory, size);
  }
  for (size_t at = 0; at < sizeof roots / sizeof *roots; at++) {
    copy_of(&wrong)->topic_root = roots[at];
    expect_refusal(&wrong, memory, size);
  }
  copy_of(&wrong)->product = NULL;
  expect_refusal(&wrong, memory, size);
  copy_of(&wrong)->product = "";
  expect_refusal(&wrong, memory, size);
  copy_of(&wrong)->timing.retry_ms = 0;
  expect_refusal(&wrong, memory, size);
  copy_of(&wrong)->timing.retry_ms = wrong.timing.retry_max_ms + 1;
  expect_refusal(&wrong, memory, size);
  copy_of(&wrong)->timing.retry_max_ms = 90000;
  expect_refusal(&wrong, memory, size);
  copy_of(&wrong)->timing.probation_ms = 0;
  expect_refusal(&wrong, memory, size);
  if (provisioned.length == 0) return;
  copy_of(&wrong)->product = "?";
  expect_refusal(&wrong, memory, size);
  copy_of(&wrong)->algorithms = 0;
  expect_refusal(&wrong, memory, size);
  provisioned.length--;
  expect_refusal(&config, memory, size);
  provisioned.length++;
}

/* ---- Commands ---- */

static void make_machine(uint32_t slot) {
  const size_t size = TBO_MEMORY(slot > 0 ? slot : 1);
  void *memory = allocate(&boot_life, size);
  enter();
  machine = tbo_init(&config, &port, memory, size, NULL);
  leave();
  if (machine == NULL) judge_exit(4);
}

static void begin_vector(void) {
  end(&boot_life);
  end(&vector_life);
  stored_keys_length = 0;
  drawn = 0;
  config = (tbo_config_t){.timing = TBO_TIMING_DEFAULT};
  config.device = text(&vector_life);
  config.topic_root = text(&vector_life);
  config.product = text(&vector_life);
  config.chip_id = (uint16_t)u32();
  config.algorithms = (uint8_t)u32();
  config.allow_unsigned = u32() != 0;
  config.window = u32();
  provisioned = blob(&vector_life);
  permille_count = u32();
  if (permille_count == 0 || permille_count > RANDOM_MAX) fail();
  for (uint32_t at = 0; at < permille_count; at++) permille[at] = u32();
  check_refusals(allocate(&boot_life, TBO_MEMORY(1)), TBO_MEMORY(1));
  make_machine(1);
}

static void handle(const tbo_event_t *event) {
  enter();
  tbo_handle(machine, event);
  leave();
}

static void on_boot(uint64_t now) {
  end(&boot_life);
  tbo_boot_t boot = {.version = text(&boot_life), .project_name = text(&boot_life), .slot = text(&boot_life)};
  boot.built_at = text(&boot_life);
  if (!take(boot.sha256, sizeof boot.sha256)) fail();
  boot.pending_verify = u32() != 0;
  boot.clean_reset = u32() != 0;
  boot.rollback = u32() != 0;
  boot.target_condemned = u32() != 0;
  boot.target_size = u32();
  boot.boot_count = u32();
  boot.secure_version = u32();
  make_machine(boot.target_size);
  const blob_t keys = blob(&event_life), record = blob(&event_life);
  if (keys.length > KEYS_SIZE) fail();
  if (keys.bytes != NULL) memcpy(stored_keys, keys.bytes, keys.length);
  stored_keys_length = keys.length;
  boot.record = (const char *)record.bytes;
  boot.record_length = record.length;
  handle(&(tbo_event_t){.type = TBO_EV_BOOTED, .now_ms = now, .u.boot = &boot});
}

/** An event that has at most one number: a timer, a flag or a network. */
static void on_event(uint64_t now) {
  tbo_event_t event = {.type = (tbo_event_type_t)u32(), .now_ms = now};
  const uint32_t value = u32();
  if (event.type == TBO_EV_TIMER) event.u.timer = (tbo_timer_t)value;
  else if (event.type == TBO_EV_NETWORK) event.u.network = (tbo_network_t)value;
  else event.u.flag = value != 0;
  handle(&event);
}

static void on_clock(uint64_t now) {
  tbo_event_t event = {.type = TBO_EV_CLOCK, .now_ms = now};
  event.u.clock.is_known = u32() != 0;
  event.u.clock.utc_ms = number(8);
  handle(&event);
}

static void on_flash(uint64_t now) {
  tbo_event_t event = {.type = TBO_EV_FLASH, .now_ms = now};
  event.u.flash.operation = (tbo_flash_t)u32();
  event.u.flash.esp_err = (int32_t)u32();
  const blob_t bytes = blob(&event_life);
  event.u.flash.bytes = (tbo_piece_t){bytes.bytes, bytes.length};
  handle(&event);
}

static void on_image(uint64_t now) {
  tbo_image_t image = {.esp_err = (int32_t)u32()};
  if (!take(image.stored_sha256, sizeof image.stored_sha256) || !take(image.sha256, sizeof image.sha256)) fail();
  image.chip_id = u32();
  image.secure_version = u32();
  image.project_name = text(&event_life);
  tbo_event_t event = {.type = TBO_EV_FLASH, .now_ms = now};
  event.u.flash.operation = TBO_FLASH_VERIFY_IMAGE;
  event.u.flash.image = &image;
  handle(&event);
}

/** Receives a part of a message where the machine keeps it, as ports do. */
static void receive(const blob_t *payload, size_t at, size_t length) {
  const uint8_t *bytes = payload->bytes + at;
  uint8_t *room = tbo_rx_room(machine, at, length);
  if (room != NULL) {
    leave();
    memcpy(room, bytes, length);
    enter();
    bytes = room;
  }
  tbo_rx_data(machine, at, bytes, length);
}

static void on_message(uint64_t now) {
  const blob_t topic = blob(&event_life);
  const bool is_retained = u32() != 0;
  const blob_t payload = blob(&event_life);
  enter();
  tbo_rx_begin(machine, (const char *)topic.bytes, topic.length, payload.length, is_retained);
  for (size_t at = 0; at < payload.length; at += PIECE_SIZE) {
    const size_t rest = payload.length - at;
    receive(&payload, at, rest < PIECE_SIZE ? rest : PIECE_SIZE);
  }
  tbo_rx_end(machine, now);
  leave();
}

static void on_command(uint8_t command) {
  const uint64_t now = number(8);
  switch (command) {
    case 'B': on_boot(now); return;
    case 'E': on_event(now); return;
    case 'C': on_clock(now); return;
    case 'F': on_flash(now); return;
    case 'I': on_image(now); return;
    case 'M': on_message(now); return;
    default: fail();
  }
}

/** Writes the summary of the machine, and its will. */
static void put_state(void) {
  static char will[TBO_SCRATCH_SIZE];
  tbo_status_t status;
  tbo_status(machine, &status);
  const char *state = tbo_state_text(status.state), *code = tbo_code_text(status.error);
  const size_t length = tbo_report(machine, false, will, sizeof will);
  if (tbo_report(machine, false, will, 0) != 0 || tbo_report(machine, false, will, 64) != 0) judge_exit(6);
  if (tbo_report(machine, false, will, length + 1) != length) judge_exit(6);
  put("Z", 1);
  put_blob(state, strlen(state));
  put_blob(code, strlen(code));
  put_u32(status.received);
  put_u32(status.total);
  put_blob(will, length);
}

void judge(void) {
  uint8_t command;
  while (take(&command, 1)) {
    if (command == 'V') {
      begin_vector();
      continue;
    }
    answer_length = 4;
    spent = 0;
    on_command(command);
    put_state();
    end(&event_life);
    put_number(spent, 8);
    const size_t length = answer_length;
    answer_length = 0;
    put_u32((uint32_t)(length - 4));
    judge_write(answer, length);
  }
  end(&boot_life);
  end(&vector_life);
}
