// SPDX-License-Identifier: MIT
// Stand-in for ESP-IDF's header of this name: the names that the port uses, as the documentation of ESP-IDF states them.
#pragma once
#include <stdint.h>
uint32_t esp_efuse_read_secure_version(void);
