// SPDX-License-Identifier: MIT
#include "machine.h"

#include "codec/chunk.h"
#include "codec/hash_list.h"

#include <string.h>

enum { FLASH_FAILURES_MAX = 3 };

/** How long a device waits to learn the time if the offer does not insist on its time to install. */
enum { CLOCK_WAIT_MS = 60000 };

static void read_chunk(tbo_t *tbo, uint32_t index) {
  tbo_download_t *download = &tbo->download;
  download->phase = TBO_PHASE_SCAN;
  download->cursor = index;
  tbo_flash(tbo, TBO_FLASH_READ, index * TBO_CHUNK_SIZE, tbo_chunk_size_at(index, download->size), NULL);
}

static bool matches(const tbo_t *tbo, uint32_t index, const uint8_t *bytes, size_t length) {
  const tbo_download_t *download = &tbo->download;
  return tbo_hash_list_matches(download->hashes, download->size, index, bytes, length, tbo->port);
}

static void fail(tbo_t *tbo, tbo_code_t code, int32_t esp_err) {
  tbo->download.phase = TBO_PHASE_ENDED;
  tbo_fail_download(tbo, code, esp_err);
}

static void condemn(tbo_t *tbo, tbo_code_t code, int32_t esp_err) {
  tbo_download_t *download = &tbo->download;
  download->phase = TBO_PHASE_CONDEMN;
  download->condemned_for = (uint8_t)code;
  download->esp_err = esp_err;
  tbo_flash(tbo, TBO_FLASH_ERASE, 0, TBO_CHUNK_SIZE, NULL);
}

/** Looks for the chunks that went wrong, once; the second time the image is given up. */
static void start_over(tbo_t *tbo, tbo_code_t code, int32_t esp_err) {
  tbo_download_t *download = &tbo->download;
  if (download->started_over) {
    condemn(tbo, code, esp_err);
    return;
  }
  download->started_over = true;
  tbo_bitmap_fill(&download->missing);
  read_chunk(tbo, 0);
}

static void verify_image(tbo_t *tbo) {
  tbo->download.phase = TBO_PHASE_VERIFY;
  tbo_flash(tbo, TBO_FLASH_VERIFY_IMAGE, 0, tbo->download.size, NULL);
}

static void ask_within_spread(tbo_t *tbo) {
  uint32_t spread = tbo->download.spread_ms;
  if (spread == 0) tbo_ask(tbo);
  else tbo_set_timer(tbo, TBO_TIMER_REQUEST, tbo->now + tbo->port->random_below(tbo->port->context, spread));
}

/**
 * Adds the chunks that a power cut may have damaged to the missing ones: those beside a gap, because a cell that was cut
 * off in an operation can read correctly once and wrongly later. If nothing is missing, chunk 0 is one, because it is
 * written last; if chunk 0 is missing, so is the last chunk, which may be the one that was cut off.
 */
static void distrust_frontier(tbo_bitmap_t *missing) {
  bool was_whole = missing->count == 0;
  if (was_whole) tbo_bitmap_add(missing, 0);
  bool is_zero_missing = tbo_bitmap_has(missing, 0);
  for (uint32_t at = was_whole ? missing->size : tbo_bitmap_next(missing, 0); at < missing->size;) {
    uint32_t end = tbo_bitmap_gap(missing, at);
    if (at > 0) tbo_bitmap_add(missing, at - 1);
    at = tbo_bitmap_next(missing, end);
    tbo_bitmap_add(missing, end);
  }
  if (is_zero_missing) tbo_bitmap_add(missing, missing->size - 1);
}

static void scanned(tbo_t *tbo, bool is_right) {
  tbo_download_t *download = &tbo->download;
  tbo_bitmap_t *missing = &download->missing;
  if (is_right) tbo_bitmap_remove(missing, download->cursor);
  if (download->cursor + 1 < missing->size) {
    read_chunk(tbo, download->cursor + 1);
    return;
  }
  // Every chunk is right and the whole is wrong: all of it is fetched once more.
  if (download->started_over && missing->count == 0) tbo_bitmap_fill(missing);
  if (!download->trusts_flash) distrust_frontier(missing);
  if (missing->count == 0) {
    verify_image(tbo);
    return;
  }
  tbo_bitmap_add(missing, 0);
  download->phase = TBO_PHASE_INVALIDATE;
  tbo_flash(tbo, TBO_FLASH_ERASE, 0, TBO_CHUNK_SIZE, NULL);
}

static void fetch(tbo_t *tbo) {
  tbo->download.phase = TBO_PHASE_FETCH;
  tbo->download.is_writing = false;
  ask_within_spread(tbo);
}

static void wrote(tbo_t *tbo, tbo_flash_t operation) {
  tbo_download_t *download = &tbo->download;
  if (!download->is_writing) return;
  if (operation == TBO_FLASH_ERASE) {
    tbo->is_programming = true;
    tbo_flash(tbo, TBO_FLASH_PROGRAM, download->cursor * TBO_CHUNK_SIZE, download->chunk_length,
              tbo->message + TBO_CHUNK_HEADER_SIZE);
    return;
  }
  if (operation != TBO_FLASH_PROGRAM) return;
  download->is_writing = false;
  tbo_bitmap_remove(&download->missing, download->cursor);
  tbo->chunks_useful++;
  download->fruitless = 0;
  if (download->missing.count == 0) {
    tbo->port->clear_timer(tbo->port->context, TBO_TIMER_REQUEST);
    verify_image(tbo);
    return;
  }
  if (download->window_left > 0) download->window_left--;
  bool is_window_spent = tbo->config.window > 0 && download->window_left == 0;
  if (is_window_spent || (download->missing.count == 1 && download->saw_chunk_zero)) {
    download->saw_chunk_zero = false;
    tbo_ask(tbo);
    return;
  }
  tbo_ask_later(tbo);
}

/** Compares what the image in flash says with the release. */
static tbo_code_t image_problem(const tbo_t *tbo, const tbo_image_t *found) {
  const tbo_download_t *download = &tbo->download;
  // An image with bytes appended would run under another hash, and the device would not recognize it after the boot.
  if (memcmp(found->sha256, download->image, sizeof download->image) != 0) return TBO_CODE_IMAGE_MISMATCH;
  if (found->chip_id != download->chip_id) return TBO_CODE_WRONG_CHIP;
  if (found->secure_version != download->secure_version) return TBO_CODE_SECURE_VERSION;
  if (download->waives_project_name || strcmp(found->project_name, tbo->boot.project_name) == 0) return TBO_CODE_NONE;
  return TBO_CODE_WRONG_PROJECT;
}

static void verified(tbo_t *tbo, const tbo_image_t *found) {
  tbo_download_t *download = &tbo->download;
  if (memcmp(found->stored_sha256, download->image, sizeof download->image) != 0) {
    start_over(tbo, TBO_CODE_IMAGE_MISMATCH, 0);
    return;
  }
  tbo_code_t problem = found->esp_err != 0 ? TBO_CODE_IMAGE_REJECTED : image_problem(tbo, found);
  if (problem != TBO_CODE_NONE) {
    condemn(tbo, problem, found->esp_err);
    return;
  }
  download->phase = TBO_PHASE_READY;
  download->clock_wait_ends = tbo->now + CLOCK_WAIT_MS;
  tbo_proceed(tbo);
}

static void on_done(tbo_t *tbo, const tbo_flash_answer_t *answer) {
  tbo_download_t *download = &tbo->download;
  switch (download->phase) {
    case TBO_PHASE_SCAN:
      if (answer->operation == TBO_FLASH_READ) {
        scanned(tbo, matches(tbo, download->cursor, answer->bytes.bytes, answer->bytes.length));
      }
      return;
    case TBO_PHASE_INVALIDATE:
      if (answer->operation == TBO_FLASH_ERASE && tbo->boot.target_condemned) {
        tbo_flash(tbo, TBO_FLASH_INVALIDATE_OTADATA, 0, 0, NULL);
      } else {
        fetch(tbo);
      }
      return;
    case TBO_PHASE_FETCH:
      wrote(tbo, answer->operation);
      return;
    case TBO_PHASE_VERIFY:
      if (answer->operation == TBO_FLASH_VERIFY_IMAGE && answer->image != NULL) verified(tbo, answer->image);
      return;
    case TBO_PHASE_CONDEMN:
      fail(tbo, (tbo_code_t)download->condemned_for, download->esp_err);
      return;
    case TBO_PHASE_SWITCH:
      if (answer->operation != TBO_FLASH_SET_BOOT) return;
      tbo_report_publish(tbo);
      tbo->port->reboot(tbo->port->context);
      return;
    default:
      return;
  }
}

static void on_write_failed(tbo_t *tbo, int32_t esp_err) {
  tbo_download_t *download = &tbo->download;
  download->flash_failures++;
  if (download->flash_failures >= FLASH_FAILURES_MAX) {
    fail(tbo, TBO_CODE_FLASH_FAILED, esp_err);
  } else if (download->phase == TBO_PHASE_INVALIDATE) {
    tbo_flash(tbo, TBO_FLASH_ERASE, 0, TBO_CHUNK_SIZE, NULL);
  } else {
    download->is_writing = false;
  }
}

static void on_failed(tbo_t *tbo, tbo_flash_t operation, int32_t esp_err) {
  tbo_download_t *download = &tbo->download;
  switch (download->phase) {
    case TBO_PHASE_SCAN:
      scanned(tbo, false);
      return;
    case TBO_PHASE_INVALIDATE:
      // An inactive otadata entry that can't be invalidated is not there: nothing was stale.
      if (operation == TBO_FLASH_INVALIDATE_OTADATA) fetch(tbo);
      else on_write_failed(tbo, esp_err);
      return;
    case TBO_PHASE_FETCH:
      on_write_failed(tbo, esp_err);
      return;
    case TBO_PHASE_VERIFY:
      start_over(tbo, TBO_CODE_IMAGE_REJECTED, esp_err);
      return;
    case TBO_PHASE_CONDEMN:
      fail(tbo, (tbo_code_t)download->condemned_for, download->esp_err);
      return;
    case TBO_PHASE_SWITCH:
      if (operation == TBO_FLASH_SET_BOOT) fail(tbo, TBO_CODE_IMAGE_REJECTED, esp_err);
      return;
    default:
      return;
  }
}

void tbo_download_flash(tbo_t *tbo, const tbo_flash_answer_t *answer) {
  if (answer->esp_err == 0) on_done(tbo, answer);
  else on_failed(tbo, answer->operation, answer->esp_err);
}

void tbo_on_hashes(tbo_t *tbo, const uint8_t image[16], size_t length, bool is_in_place) {
  tbo_download_t *download = &tbo->download;
  if (download->phase != TBO_PHASE_HASHES) {
    tbo_drop(tbo, TBO_DROP_DUPLICATE);
  } else if (memcmp(image, download->image, 16) != 0) {
    tbo_drop(tbo, TBO_DROP_OTHER_IMAGE);
  } else if (!is_in_place || !tbo_hash_list_check(download->hashes, length, download->size,
                                                  download->hash_list_sha256, tbo->port)) {
    tbo_drop(tbo, TBO_DROP_MALFORMED);
  } else {
    tbo->port->clear_timer(tbo->port->context, TBO_TIMER_REQUEST);
    download->fruitless = 0;
    read_chunk(tbo, 0);
  }
}

void tbo_on_chunk(tbo_t *tbo, size_t length) {
  tbo_download_t *download = &tbo->download;
  tbo_chunk_t chunk;
  if (!tbo_chunk_parse(tbo->message, length, &chunk)) {
    tbo_drop(tbo, TBO_DROP_MALFORMED);
  } else if (chunk.is_deflated) {
    tbo_drop(tbo, TBO_DROP_UNSUPPORTED);
  } else if (memcmp(chunk.image, download->image, 8) != 0) {
    tbo_drop(tbo, TBO_DROP_OTHER_IMAGE);
  } else if (chunk.index >= download->missing.size) {
    tbo_drop(tbo, TBO_DROP_OUT_OF_RANGE);
  } else if (!tbo_bitmap_has(&download->missing, chunk.index)) {
    tbo_drop(tbo, TBO_DROP_DUPLICATE);
  } else if (chunk.index == 0 && download->missing.count > 1) {
    download->saw_chunk_zero = true;
    tbo_drop(tbo, TBO_DROP_EARLY);
  } else if (!matches(tbo, chunk.index, chunk.bytes, chunk.length)) {
    tbo_drop(tbo, TBO_DROP_HASH_MISMATCH);
  } else {
    download->is_writing = true;
    download->cursor = chunk.index;
    download->chunk_length = (uint32_t)chunk.length;
    tbo_flash(tbo, TBO_FLASH_ERASE, chunk.index * TBO_CHUNK_SIZE, TBO_CHUNK_SIZE, NULL);
  }
}

/** Sets the time to ask for the hash list again, once the device subscribed to it. */
static void await_hashes(tbo_t *tbo) {
  tbo_ask_later(tbo);
  tbo->download.fruitless++;
}

void tbo_download_timer(tbo_t *tbo) {
  tbo_download_t *download = &tbo->download;
  if (!tbo->is_connected) return;
  if (download->phase == TBO_PHASE_HASHES) {
    tbo_subscribe(tbo, TBO_TOPIC_HASHES, download->image, true);
    await_hashes(tbo);
  }
  if (download->phase == TBO_PHASE_FETCH) tbo_ask(tbo);
}

void tbo_download_join(tbo_t *tbo) {
  const tbo_download_t *download = &tbo->download;
  if (!tbo->is_connected) return;
  tbo_subscribe(tbo, TBO_TOPIC_IMAGE_CHUNK, download->image, true);
  tbo_subscribe(tbo, TBO_TOPIC_DEVICE_CHUNK, NULL, true);
  tbo_subscribe(tbo, TBO_TOPIC_HASHES, download->image, true);
  if (download->phase == TBO_PHASE_HASHES) await_hashes(tbo);
  if (download->phase == TBO_PHASE_FETCH) ask_within_spread(tbo);
}

void tbo_download_leave(tbo_t *tbo, const uint8_t *next) {
  const tbo_download_t *download = &tbo->download;
  // Brokers that handle both packets at once can end without a subscription that is given up and made again.
  bool is_kept = next != NULL && memcmp(next, download->image, 16) == 0;
  tbo->port->clear_timer(tbo->port->context, TBO_TIMER_REQUEST);
  if (!tbo->is_connected) return;
  if (!is_kept) tbo_subscribe(tbo, TBO_TOPIC_IMAGE_CHUNK, download->image, false);
  if (next == NULL) tbo_subscribe(tbo, TBO_TOPIC_DEVICE_CHUNK, NULL, false);
  if (!is_kept) tbo_subscribe(tbo, TBO_TOPIC_HASHES, download->image, false);
}

void tbo_download_start(tbo_t *tbo, const tbo_offer_t *offer, const tbo_release_t *release) {
  tbo_download_t *download = &tbo->download;
  uint32_t chunks = tbo_chunk_count(release->size);
  memset(download, 0, sizeof *download);
  memcpy(download->offer, offer->id, sizeof download->offer);
  memcpy(download->image, release->sha256, sizeof download->image);
  memcpy(download->hash_list_sha256, release->hash_list_sha256, sizeof download->hash_list_sha256);
  download->size = release->size;
  download->secure_version = release->secure_version;
  download->chip_id = release->chip_id;
  download->spread_ms = offer->spread_ms;
  download->probation_ms = offer->probation_ms;
  download->probation_max_ms = offer->probation_max_ms;
  download->restart_spread_ms = offer->restart_spread_ms;
  download->between = offer->between;
  // Compared to the second, as all times are.
  if (offer->install_after.text[0] != 0) download->install_after = tbo_time_to_ms(&offer->install_after) / 1000 * 1000;
  download->is_timed = offer->install_after.text[0] != 0 || offer->between.minutes > 0;
  download->needs_clock = tbo_offer_needs_clock(offer);
  download->trusts_flash = tbo->boot.clean_reset || tbo->record.is_whole;
  download->waives_project_name = (offer->waived & TBO_WAIVE_PROJECT_NAME) != 0;
  tbo_bitmap_begin(&download->missing, tbo->area, chunks);
  tbo_bitmap_fill(&download->missing);
  download->hashes = (uint8_t *)(tbo->area + TBO_BITMAP_WORDS(chunks));
  tbo->activity = TBO_DOWNLOADS;
  tbo_download_join(tbo);
}

bool tbo_is_stalled(const tbo_t *tbo) {
  return tbo->activity == TBO_DOWNLOADS && tbo->download.fruitless > tbo->config.timing.stalled_after;
}

tbo_state_t tbo_download_state(const tbo_t *tbo) {
  switch (tbo->download.phase) {
    case TBO_PHASE_HASHES:
    case TBO_PHASE_SCAN:
      return TBO_STATE_CHECKING;
    case TBO_PHASE_INVALIDATE:
    case TBO_PHASE_FETCH:
      return TBO_STATE_DOWNLOADING;
    case TBO_PHASE_READY:
    case TBO_PHASE_SWITCH:
      return TBO_STATE_READY_TO_REBOOT;
    default:
      return TBO_STATE_VERIFYING;
  }
}
