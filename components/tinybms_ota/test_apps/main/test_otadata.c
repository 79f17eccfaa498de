// SPDX-License-Identifier: MIT
#include "esp/esp_otadata_repair.h"

#include "esp_ota_ops.h"
#include "unity.h"

TEST_CASE("the running slot is selected after it is recorded, and the other one is the target", "[otadata]") {
  TEST_ESP_OK(tbo_esp_record_running());
  TEST_ASSERT_TRUE(tbo_esp_is_running_selected());
  TEST_ASSERT_TRUE(tbo_esp_is_running_recorded());
  const tbo_esp_target_t target = tbo_esp_find_target();
  TEST_ASSERT_NOT_NULL(target.partition);
  TEST_ASSERT_NOT_EQUAL(esp_ota_get_running_partition()->address, target.partition->address);
  TEST_ESP_OK(tbo_esp_deselect(target.partition));
  TEST_ASSERT_TRUE(tbo_esp_is_running_selected());
}
