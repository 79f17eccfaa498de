// SPDX-License-Identifier: MIT
#ifndef GATEWAY_NETWORK_H
#define GATEWAY_NETWORK_H

#include "esp_err.h"

/** Starts Wi-Fi or Ethernet and keeps it connected. Returns before an address is there. */
esp_err_t network_start(void);

#endif
