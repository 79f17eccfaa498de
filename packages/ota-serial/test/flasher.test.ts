import { runBootloader } from "@tinybms/firmware-sim";
import { expect, test } from "vitest";
import { Flasher, planAppFlash, watchBoot } from "../src/index.ts";
import { appImage, boardWith, FLASHABLE } from "./benches.ts";
import { SimulatedLine } from "./simulated-line.ts";

test.for(FLASHABLE)(
  "writes a new version into the next slot of an %s, verifies, selects and starts it",
  async (chip) => {
    const hardware = boardWith(chip);
    const line = new SimulatedLine({ hardware });
    const flasher = await Flasher.connect(line);
    const { board } = flasher;
    expect(board).toMatchObject({ mac: "24:0a:c4:00:00:01", flashSize: hardware.flash.sizeBytes, secureBoot: false });
    expect(board.chip.name).toBe(chip);
    expect(flasher.baudRate).toBe(921_600);

    const layout = await flasher.readLayout();
    const app = appImage(chip, "1.1.0");
    const plan = planAppFlash(line.port, board, layout, app, { slot: "next", select: true, force: false });
    expect(plan).toMatchObject({ slot: "ota_1", isRisky: false, warnings: [] });
    await flasher.flash(plan);
    await flasher.startApp();
    const started = await watchBoot(line, { version: "1.1.0", seconds: 10 });
    expect(started).toEqual({ version: "1.1.0", projectName: "gateway" });
    expect(runBootloader(hardware)).toMatchObject({ kind: "boots" });
    expect(flasher.disturbances).toBe(0);
  },
);
