import { expect, test } from "vitest";
import { EspErr, espErrName } from "./esp-err.ts";

test("names error numbers as esp_err_to_name does", () => {
  expect([0, -1, 0x105, 0x1503, 0x2002, 0x6001].map(espErrName)).toEqual([
    "ESP_OK",
    "ESP_FAIL",
    "ESP_ERR_NOT_FOUND",
    "ESP_ERR_OTA_VALIDATE_FAILED",
    "ESP_ERR_IMAGE_INVALID",
    "ESP_ERR_FLASH_OP_FAIL",
  ]);
  expect(espErrName(0x1234)).toBe("UNKNOWN ERROR 0x1234");
  expect(espErrName(-5)).toBe("UNKNOWN ERROR 0xfffffffb");
});

test("has no two names with the same number", () => {
  expect(new Set(Object.values(EspErr)).size).toBe(Object.keys(EspErr).length);
});
