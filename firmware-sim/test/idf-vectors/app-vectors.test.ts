import { expect, test } from "vitest";
import { replayAll } from "./replay-all.ts";
import { recordedReleases } from "./vector-files.ts";

test.for(recordedReleases("app"))("esp_ota_… does what ESP-IDF %s did in every recorded case", (release) => {
  expect(replayAll("app", release)).toEqual([]);
});
