// SPDX-License-Identifier: MIT
#include "machine.h"

enum { RANGES_MAX = 64, UNICAST_AFTER = 3, DOUBLINGS_MAX = 16 };

static uint32_t retry_delay(tbo_t *tbo) {
  const tbo_timing_t *timing = &tbo->config.timing;
  uint32_t doublings = tbo->download.fruitless < DOUBLINGS_MAX ? tbo->download.fruitless : DOUBLINGS_MAX;
  uint64_t base = (uint64_t)timing->retry_ms << doublings;
  if (base > timing->retry_max_ms) base = timing->retry_max_ms;
  return (uint32_t)base + tbo->port->random_below(tbo->port->context, timing->retry_ms);
}

void tbo_ask_later(tbo_t *tbo) { tbo_set_timer(tbo, TBO_TIMER_REQUEST, tbo->now + retry_delay(tbo)); }

void tbo_ask(tbo_t *tbo) {
  tbo_download_t *download = &tbo->download;
  const tbo_bitmap_t *missing = &download->missing;
  char topic[TBO_TOPIC_SIZE];
  tbo_text_t text;
  if (!tbo->is_connected) return;
  tbo_text_begin(&text, tbo->scratch, TBO_SCRATCH_SIZE);
  tbo_text_format(&text, "{\"protocol\":1,\"image\":%i,\"missing\":[", download->image);
  uint32_t first = tbo_bitmap_next(missing, 0);
  for (unsigned ranges = 0; first < missing->size && ranges < RANGES_MAX; ranges++) {
    uint32_t end = tbo_bitmap_gap(missing, first);
    tbo_text_format(&text, ranges == 0 ? "[%u,%u]" : ",[%u,%u]", first, end - first);
    first = tbo_bitmap_next(missing, end);
  }
  tbo_text_format(&text, "],\"missing_count\":%u,\"window\":%u,\"unicast\":%b}", missing->count, tbo->config.window,
                  download->fruitless >= UNICAST_AFTER);
  tbo_topic(tbo, TBO_TOPIC_REQUEST, NULL, topic);
  tbo->port->publish(tbo->port->context, topic, (const uint8_t *)text.text, text.length, 1, false);
  download->requests++;
  download->window_left = tbo->config.window;
  tbo_ask_later(tbo);
  download->fruitless++;
}
