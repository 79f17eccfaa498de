// SPDX-License-Identifier: MIT
/**
 * Keeps otadata in agreement with what runs, after the bootloader fell back to another slot than the selected one. The
 * bootloader does not record a fallback in otadata, which `esp_ota_*` reads.
 *
 * @see docs/decisions/0001 and `boot-selection-repair.ts` of the simulator, which is the same in TypeScript.
 */
#ifndef TBO_ESP_OTADATA_REPAIR_H
#define TBO_ESP_OTADATA_REPAIR_H

#include "esp_err.h"
#include "esp_partition.h"

#include <stdbool.h>

/** The slot of the next image. */
typedef struct {
  const esp_partition_t *partition; /**< NULL if there is no OTA slot besides the running one, or no otadata. */
  bool is_condemned;                /**< Its entry says that its image failed. */
} tbo_esp_target_t;

/** Finds the slot of the next image. Call it before the repair: otadata must be as the bootloader left it. */
tbo_esp_target_t tbo_esp_find_target(void);

/** Returns `true` if otadata selects the running slot. Without otadata there is nothing to select. */
bool tbo_esp_is_running_selected(void);

/** Returns `true` if the entry of the running image is active and awaits confirmation. */
bool tbo_esp_is_running_pending(void);

/** Returns `true` if otadata selects the running slot as confirmed. The factory slot needs no entry. */
bool tbo_esp_is_running_recorded(void);

/**
 * Selects the running slot after a fall-back, and confirms it unless it is on probation. An image that was given up
 * stays given up, with nothing changed.
 *
 * @param is_on_probation The stored record says that the running image has yet to be confirmed.
 */
void tbo_esp_repair_boot_selection(bool is_on_probation);

/**
 * Records the running OTA slot, confirmed, in the sector of otadata that does not count now.
 *
 * @return ESP_OK also without otadata and for the factory slot, where nothing is written.
 */
esp_err_t tbo_esp_record_running(void);

/**
 * Makes otadata select another slot than `target`, if it selects that. Call it before the target is overwritten and
 * before it is set to boot.
 */
esp_err_t tbo_esp_deselect(const esp_partition_t *target);

/**
 * Erases the entry of otadata that does not count, so that the slot about to be overwritten is not returned to.
 *
 * @return ESP_FAIL, with nothing changed, unless an entry is active and the other one is of a slot that does not run.
 */
esp_err_t tbo_esp_invalidate_inactive_entry(void);

#endif
