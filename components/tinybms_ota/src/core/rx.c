// SPDX-License-Identifier: MIT
#include "machine.h"

#include "codec/hash_list.h"

#include <string.h>

static bool is_for_device(const tbo_t *tbo, const tbo_topic_t *topic) {
  const char *device = tbo->config.device;
  return topic->device_length == strlen(device) && memcmp(topic->device, device, topic->device_length) == 0;
}

/** Returns where a message goes, TBO_RX_NONE for a topic of no concern. */
static tbo_rx_target_t target_of(const tbo_t *tbo, const tbo_topic_t *topic, size_t total) {
  const tbo_download_t *download = &tbo->download;
  switch (topic->kind) {
    case TBO_TOPIC_DEVICE_OFFER:
    case TBO_TOPIC_DEVICE_CHUNK:
      if (!is_for_device(tbo, topic)) return TBO_RX_NONE;
      return total <= TBO_MESSAGE_MAX ? TBO_RX_BUFFER : TBO_RX_SKIP;
    case TBO_TOPIC_OFFER:
    case TBO_TOPIC_KEYS:
    case TBO_TOPIC_IMAGE_CHUNK:
      return total <= TBO_MESSAGE_MAX ? TBO_RX_BUFFER : TBO_RX_SKIP;
    case TBO_TOPIC_HASHES: {
      bool is_wanted = tbo->activity == TBO_DOWNLOADS && download->phase == TBO_PHASE_HASHES &&
                       memcmp(topic->image, download->image, sizeof topic->image) == 0;
      return is_wanted && total == download->missing.size * TBO_HASH_LIST_ENTRY ? TBO_RX_HASHES : TBO_RX_SKIP;
    }
    default:
      return TBO_RX_NONE;
  }
}

static bool is_buffer_taken(const tbo_t *tbo) { return tbo->exam.is_open || tbo_is_writing(tbo); }

void tbo_rx_abandon(tbo_t *tbo) { tbo->rx.target = TBO_RX_NONE; }

bool tbo_rx_begin(tbo_t *tbo, const char *topic, size_t topic_length, size_t total, bool is_retained) {
  tbo_rx_t *rx = &tbo->rx;
  tbo_topic_t parsed;
  memset(rx, 0, sizeof *rx);
  if (!tbo->is_booted) return true;
  tbo_topic_parse(tbo->config.topic_root, topic, topic_length, &parsed);
  rx->kind = (uint8_t)parsed.kind;
  rx->total = total;
  rx->is_retained = is_retained;
  memcpy(rx->image, parsed.image, sizeof rx->image);
  rx->target = (uint8_t)target_of(tbo, &parsed, total);
  rx->is_busy = rx->target == TBO_RX_BUFFER && total > 0 && is_buffer_taken(tbo);
  if (rx->is_busy) rx->target = TBO_RX_SKIP;
  return !rx->is_busy;
}

static bool continues(const tbo_rx_t *rx, size_t offset, size_t length) {
  return offset == rx->received && length <= rx->total - rx->received;
}

/** Returns where a part is kept that continues the message, or NULL. */
static uint8_t *room_at(tbo_t *tbo, size_t offset) {
  if (tbo->rx.target == TBO_RX_BUFFER) return tbo->message + offset;
  // A download that ended meanwhile gave its place up.
  bool is_awaited = tbo->rx.target == TBO_RX_HASHES && tbo->download.phase == TBO_PHASE_HASHES;
  return is_awaited ? tbo->download.hashes + offset : NULL;
}

uint8_t *tbo_rx_room(tbo_t *tbo, size_t offset, size_t length) {
  bool fits = !tbo->rx.is_broken && continues(&tbo->rx, offset, length);
  return fits ? room_at(tbo, offset) : NULL;
}

void tbo_rx_data(tbo_t *tbo, size_t offset, const uint8_t *bytes, size_t length) {
  tbo_rx_t *rx = &tbo->rx;
  if (rx->target == TBO_RX_NONE || rx->is_broken) return;
  if (!continues(rx, offset, length)) {
    rx->is_broken = true;
    return;
  }
  uint8_t *room = room_at(tbo, offset);
  if (room != NULL && room != bytes) memcpy(room, bytes, length);
  rx->received += length;
}

static void end_chunk(tbo_t *tbo, bool is_whole) {
  const tbo_rx_t *rx = &tbo->rx;
  tbo->chunks_received++;
  if (tbo->exam.is_open) tbo_drop(tbo, TBO_DROP_BUSY);
  else if (tbo->activity != TBO_DOWNLOADS || tbo->download.phase != TBO_PHASE_FETCH) tbo_drop(tbo, TBO_DROP_NOT_DOWNLOADING);
  else if (rx->is_busy || tbo_is_writing(tbo)) tbo_drop(tbo, TBO_DROP_BUSY);
  else if (!is_whole) tbo_drop(tbo, TBO_DROP_MALFORMED);
  else tbo_on_chunk(tbo, rx->total);
}

/** Refuses an envelope that is too large, or whose parts do not fit together. */
static void refuse_envelope(tbo_t *tbo, tbo_drop_t reason) {
  tbo_refuse(tbo, reason, tbo->rx.is_broken ? TBO_CODE_MALFORMED : TBO_CODE_MESSAGE_TOO_LARGE);
}

static void end_envelope(tbo_t *tbo, bool is_whole) {
  const tbo_rx_t *rx = &tbo->rx;
  bool is_key_set = rx->kind == TBO_TOPIC_KEYS;
  if (rx->total == 0) return; // cleared from the broker: nothing new
  if (rx->is_busy || is_buffer_taken(tbo)) tbo_postpone(tbo, TBO_DROP_BUSY);
  else if (is_whole && is_key_set) tbo_on_key_set(tbo, rx->total, rx->is_retained);
  else if (is_whole) tbo_on_offer(tbo, rx->total, rx->is_retained);
  else if (is_key_set && tbo->keys_epoch == 0) tbo_drop(tbo, TBO_DROP_NOT_FOR_US);
  else refuse_envelope(tbo, is_key_set ? TBO_DROP_UNTRUSTED : TBO_DROP_MALFORMED);
}

void tbo_rx_end(tbo_t *tbo, uint64_t now_ms) {
  tbo_rx_t *rx = &tbo->rx;
  if (rx->target == TBO_RX_NONE) return;
  if (rx->received != rx->total) rx->is_broken = true;
  bool is_whole = rx->target != TBO_RX_SKIP && !rx->is_broken;
  tbo->now = now_ms;
  switch (rx->kind) {
    case TBO_TOPIC_IMAGE_CHUNK:
    case TBO_TOPIC_DEVICE_CHUNK:
      end_chunk(tbo, is_whole);
      break;
    case TBO_TOPIC_HASHES:
      if (tbo->activity != TBO_DOWNLOADS) tbo_drop(tbo, TBO_DROP_NOT_DOWNLOADING);
      else tbo_on_hashes(tbo, rx->image, rx->total, is_whole);
      break;
    default:
      end_envelope(tbo, is_whole);
      break;
  }
  rx->target = TBO_RX_NONE;
  tbo_end_event(tbo);
}
