import { buildAppImage, OtaImageState } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { board, entry, otadataOf, partition, start } from "../../test/board-spec.ts";
import { espErrName } from "../esp-err/esp-err.ts";
import { esp_https_ota } from "./esp-https-ota.ts";

const { VALID } = OtaImageState;

const body = buildAppImage({ version: "2.0.0", sizeBytes: 0x2000, spiFlashMode: 3 });

test.for([
  { status: 206, err: "ESP_OK" },
  { status: 304, err: "ESP_ERR_HTTP_NOT_MODIFIED" },
  { status: 404, err: "ESP_FAIL" },
  { status: 416, err: "ESP_ERR_HTTP_RANGE_NOT_SATISFIABLE" },
  { status: 503, err: "ESP_FAIL" },
])("returns $err for status $status", ({ status, err }) => {
  const hardware = board({ otadata: [entry(1, VALID), undefined] });
  expect(espErrName(esp_https_ota(start(hardware), { status, body }))).toBe(err);
  expect(otadataOf(hardware)).toEqual(["1:valid", err === "ESP_OK" ? "2:new" : "blank"]);
});

test.for([
  { what: "fewer bytes than announced", response: { body, contentLength: body.length + 1 }, err: "ESP_FAIL" },
  { what: "an image cut short", response: { body: body.subarray(0, 0x1800) }, err: "ESP_ERR_OTA_VALIDATE_FAILED" },
  {
    what: "what is no image but begins like one for this chip",
    response: { body: new Uint8Array(2048).fill(0) },
    err: "ESP_ERR_OTA_VALIDATE_FAILED",
  },
])("returns $err for $what, and selects nothing", ({ response, err }) => {
  const hardware = board({ otadata: [entry(1, VALID), undefined] });
  const app = start(hardware);
  expect(espErrName(esp_https_ota(app, { status: 200, ...response }))).toBe(err);
  expect(otadataOf(hardware)).toEqual(["1:valid", "blank"]);
  expect(app.otaHandles.size).toBe(0); // aborted or ended
});

test("rejects an image with another SPI mode if both images state one", () => {
  const images = new Map([[0, { spiFlashMode: 1 }]]);
  const app = start(board({ otadata: [entry(1, VALID), undefined], images }));
  expect(espErrName(esp_https_ota(app, { status: 200, body }))).toBe("ESP_ERR_OTA_SPI_MODE_MISMATCH");
  expect(espErrName(esp_https_ota(app, { status: 200, body }, partition(app, "ota_0")))).toBe(
    "ESP_ERR_OTA_PARTITION_CONFLICT",
  );
});
