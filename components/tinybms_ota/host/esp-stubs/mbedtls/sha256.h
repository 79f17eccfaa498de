// SPDX-License-Identifier: MIT
// Stand-in for ESP-IDF's header of this name: the names that the port uses, as the documentation of ESP-IDF states them.
#pragma once
// Mbed TLS 2.28, which Debian has, names the functions that return an error `…_ret`; Mbed TLS 3 dropped the suffix.
#include_next <mbedtls/sha256.h>
#define mbedtls_sha256_starts mbedtls_sha256_starts_ret
#define mbedtls_sha256_update mbedtls_sha256_update_ret
#define mbedtls_sha256_finish mbedtls_sha256_finish_ret
