// SPDX-License-Identifier: MIT
#ifndef TBO_CODEC_ALGORITHM_H
#define TBO_CODEC_ALGORITHM_H

#include "json.h"
#include "tinybms_ota.h"

/** Signature algorithm. */
typedef tbo_algorithm_t tbo_alg_t;

/** Returns the algorithm that a string names; TBO_ALG_UNKNOWN for any other value. */
tbo_alg_t tbo_algorithm(tbo_json_t value);

#endif
