import { expect, test } from "vitest";
import { replayAll } from "./replay-all.ts";
import { recordedReleases } from "./vector-files.ts";

test.for(recordedReleases("boot"))("the bootloader does what ESP-IDF %s did in every recorded case", (release) => {
  expect(replayAll("boot", release)).toEqual([]);
});
