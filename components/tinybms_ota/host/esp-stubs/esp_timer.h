// SPDX-License-Identifier: MIT
// Stand-in for ESP-IDF's header of this name: the names that the port uses, as the documentation of ESP-IDF states them.
#pragma once
#include <stdint.h>
int64_t esp_timer_get_time(void);
