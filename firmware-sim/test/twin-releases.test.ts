// What `twin` makes of the ESP-IDF release that a board's app says it was built with.

import { buildAppImage, buildOtadataEntry, OtaImageState, otadataEntry } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { matchIdfRelease } from "../src/idf-release/idf-release.ts";
import { judgeUpdate, type TwinInput, type TwinResult } from "../src/twin/twin.ts";
import { type DumpSpec, makeBootloader, makeDump, TWIN_CSV, TWIN_NEW, TWIN_SELECTED } from "./twin-board.ts";

/** Where a table marks the second slot as read-only, releases before 5.2 write to it all the same. */
const READ_ONLY_SLOT = TWIN_CSV.replace("ota_1, 0x40000, 0x10000", "ota_1, 0x40000, 0x10000, readonly");

function ask(idfVersion: string, spec: DumpSpec = {}, named: Partial<TwinInput> = {}): Promise<TwinResult> {
  const app = buildAppImage({ version: "1.0.0", sizeBytes: 8192, seed: 1, idfVersion });
  const contents = { ota_0: app, otadata: TWIN_SELECTED };
  return judgeUpdate(
    {
      flash: { file: "dump.bin", content: makeDump({ contents, ...spec }) },
      update: { file: "update.bin", content: TWIN_NEW },
      points: 40,
      seed: 1,
      ...named,
    },
    { threads: 0 },
  );
}

test("simulates an app of ESP-IDF v4.4.5 as 4.4.8, with another verdict than for 6.2-dev", async () => {
  const old = await ask("v4.4.5", { csv: READ_ONLY_SLOT });
  expect(old.verdict).toBe("yes");
  expect(old.idf.app).toEqual({ release: "4.4.8", version: "v4.4.5", assumed: true });
  expect(old.assumptions).toContain("the app was built with the unknown ESP-IDF release v4.4.5: simulated as 4.4.8");
  const newest = await ask("v6.2-dev", { csv: READ_ONLY_SLOT });
  expect(newest.verdict).toBe("no");
  expect(newest.idf.app).toEqual({ release: "6.2-dev", version: "v6.2-dev", assumed: false });
});

test("simulates both neighbors of an unknown release, and can't tell if they differ", async () => {
  const result = await ask("v5.1.7-12-g0123abc", { csv: READ_ONLY_SLOT });
  expect(result.verdict).toBe("cannot-tell");
  expect(result.assumptions).toContain(
    "the app was built with the unknown ESP-IDF release v5.1.7-12-g0123abc: simulated as 5.1.7 and as 5.3.5",
  );
  const verdicts = result.builds.map(({ assuming, verdict }) => [assuming.replace(/^.* and /, ""), verdict]);
  expect(verdicts.slice(0, 2)).toEqual([
    ["the app was built with ESP-IDF 5.1.7", "yes"],
    ["the app was built with ESP-IDF 5.3.5", "no"],
  ]);
  expect(result.reasons[0]?.message).toMatch(/^if .*the app was built with ESP-IDF 5\.3\.5: /);
});

test("simulates the oldest and the newest release for an app without a release", async () => {
  const result = await ask("");
  expect(result.verdict).toBe("yes");
  expect(result.assumptions).toContain(
    "the ESP-IDF release of the app is not known: simulated as 4.4.8 and as 6.2-dev",
  );
});

test("lets --idf and --bootloader-idf override the images", async () => {
  const bootloader = makeBootloader({ idfVersion: "v5.1.7" });
  const said = await ask("v6.0.2", { bootloader });
  expect(said.idf).toMatchObject({ app: { release: "6.0.2" }, bootloader: { release: "5.1.7", assumed: false } });
  const named = { idf: matchIdfRelease("5.5.5"), bootloaderIdf: matchIdfRelease("4.4.8") };
  const overruled = await ask("v6.0.2", { bootloader }, named);
  expect(overruled.idf).toMatchObject({ app: { release: "5.5.5" }, bootloader: { release: "4.4.8" } });
});

test("names what the app must do first if otadata selects a slot that does not run", async () => {
  const otadata = new Uint8Array(0x2000).fill(0xff);
  otadata.set(TWIN_SELECTED);
  otadata.set(buildOtadataEntry(otadataEntry(2, OtaImageState.VALID)), 0x1000);
  const fallenBack = (idfVersion: string) => {
    const app = buildAppImage({ version: "1.0.0", sizeBytes: 8192, seed: 1, idfVersion });
    return ask(idfVersion, { contents: { ota_0: app, ota_1: TWIN_NEW.slice(0, 5000), otadata } });
  };
  const [before, after] = [await fallenBack("v5.1.7"), await fallenBack("v6.0.2")];
  expect([before.verdict, after.verdict]).toEqual(["yes", "yes"]);
  const remedy = /deselects it before the update.* ESP-IDF 5\.1\.7, a rollback would be impossible/;
  expect(before.assumptions).toContainEqual(expect.stringMatching(remedy));
  expect(after.assumptions).not.toContainEqual(expect.stringMatching(/a rollback would be impossible/));
});
