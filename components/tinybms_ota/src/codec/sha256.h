// SPDX-License-Identifier: MIT
#ifndef TBO_CODEC_SHA256_H
#define TBO_CODEC_SHA256_H

#include "tinybms_ota.h"

/** Size of a SHA-256 digest in bytes. */
#define TBO_SHA256_SIZE 32u

/** Hashes bytes by the function of a port. */
void tbo_hash(const tbo_port_t *port, const void *bytes, size_t length, uint8_t digest[TBO_SHA256_SIZE]);

#endif
