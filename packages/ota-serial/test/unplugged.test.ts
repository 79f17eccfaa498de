import { createHardware, createRandom, runBootloader } from "@tinybms/firmware-sim";
import { isOtaError } from "@tinybms/ota-core";
import { expect, test } from "vitest";
import { appImage } from "./benches.ts";
import { flashBoard } from "./flash-simulated-board.ts";
import { SimulatedLine } from "./simulated-line.ts";

/** So many bytes a flash is unplugged at; and besides, so many of its end, where otadata is written. */
const UNPLUGS = 300;
const LATE_UNPLUGS = 60;
const END_SIZE = 600;

const OLD = appImage("esp32", "1.0.0", 60_000);
const NEW = appImage("esp32", "1.1.0", 70_000);

/** What a board starts, by the version in its app descriptor, and as what otadata selects. */
function startedBy(hardware: ReturnType<typeof createHardware>): string | undefined {
  const outcome = runBootloader(hardware);
  expect(outcome.log.filter((line) => line.includes("not bootable"))).toEqual([]);
  return outcome.kind === "boots" ? outcome.image.descriptor?.version : undefined;
}

test(`a board unplugged at ${UNPLUGS} random bytes starts the old or the new app, and can be flashed again`, async () => {
  const whole = new SimulatedLine({ hardware: createHardware({ chip: "esp32", app: OLD.bytes }) });
  await flashBoard(whole, NEW);
  const random = createRandom(20_261_126);
  const ends = { "1.0.0": 0, "1.1.0": 0 };
  for (let count = 0; count < UNPLUGS + LATE_UNPLUGS; count++) {
    const hardware = createHardware({ chip: "esp32", app: OLD.bytes });
    const from = count < UNPLUGS ? 0 : whole.written - END_SIZE;
    const unplugAfter = random.integer(from, whole.written - 1);
    const line = new SimulatedLine({ hardware, unplugAfter });
    await flashBoard(line, NEW).then(
      () => undefined,
      (error) => {
        if (!isOtaError(error, "serial/port-lost")) throw error;
      },
    );
    hardware.flash.powerOn();
    const version = startedBy(hardware);
    expect(version, `unplugged after ${unplugAfter} bytes`).toMatch(/^1\.[01]\.0$/);
    ends[version as keyof typeof ends]++;

    const again = await flashBoard(new SimulatedLine({ hardware }), NEW);
    expect(again.boot.version).toBe("1.1.0");
    expect(startedBy(hardware)).toBe("1.1.0");
  }
  expect(ends["1.0.0"]).toBeGreaterThan(0);
  expect(ends["1.1.0"]).toBeGreaterThan(0);
});
