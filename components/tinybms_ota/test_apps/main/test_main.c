// SPDX-License-Identifier: MIT
#include "unity.h"
#include "unity_test_runner.h"

#include "nvs_flash.h"

void app_main(void) {
  nvs_flash_erase();
  nvs_flash_init();
  unity_run_menu();
}
