// SPDX-License-Identifier: MIT
#include "machine.h"

enum {
  MINUTE_MS = 60000,
  DAY_MS = 86400000,
  LOOK_AGAIN_MS = 3600000, /**< Longest time for which the device relies on its clock before it looks again. */
};

/** Returns how long it is from a time to the next one at which the offer allows the restart. */
static int64_t time_to_install(const tbo_download_t *download, int64_t utc) {
  const tbo_window_t *window = &download->between;
  int64_t from = download->install_after > utc ? download->install_after : utc;
  if (window->minutes > 0) {
    int64_t ahead = (int64_t)window->offset - (int64_t)window->start;
    // Two days more, so that the sum is not negative.
    int32_t since_opening = (int32_t)((from + ahead * MINUTE_MS + 2 * (int64_t)DAY_MS) % DAY_MS);
    if (since_opening >= (int32_t)window->minutes * MINUTE_MS) from += DAY_MS - since_opening;
  }
  return from - utc;
}

/** Returns when the offer's time has come, or when to look again; UINT64_MAX if only another event can tell. */
static uint64_t opens_at(const tbo_t *tbo) {
  const tbo_download_t *download = &tbo->download;
  if (tbo->is_reboot_held) return UINT64_MAX;
  if (!download->is_timed) return tbo->now;
  if (tbo->has_clock) {
    int64_t left = time_to_install(download, tbo->clock + (int64_t)tbo->now);
    return tbo->now + (uint64_t)(left < LOOK_AGAIN_MS ? left : LOOK_AGAIN_MS);
  }
  return download->needs_clock ? UINT64_MAX : download->clock_wait_ends;
}

void tbo_proceed(tbo_t *tbo) {
  tbo_download_t *download = &tbo->download;
  if (tbo->activity != TBO_DOWNLOADS || download->phase != TBO_PHASE_READY) return;
  uint64_t until = opens_at(tbo);
  if (until > tbo->now) {
    download->has_spread = false;
  } else {
    if (!download->has_spread) {
      uint32_t spread = download->restart_spread_ms;
      download->has_spread = true;
      download->spread_ends = tbo->now + (spread == 0 ? 0 : tbo->port->random_below(tbo->port->context, spread));
    }
    until = download->spread_ends;
    if (until <= tbo->now) {
      tbo_set_to_boot(tbo);
      return;
    }
  }
  if (until != UINT64_MAX) tbo_set_timer(tbo, TBO_TIMER_INSTALL, until);
  if (tbo->record.is_whole) return;
  tbo->record.is_whole = true;
  tbo_store_record(tbo);
}
