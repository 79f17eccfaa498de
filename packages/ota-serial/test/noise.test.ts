import { createHardware, createRandom, runBootloader } from "@tinybms/firmware-sim";
import { isOtaError } from "@tinybms/ota-core";
import { expect, test } from "vitest";
import { appImage } from "./benches.ts";
import { flashBoard } from "./flash-simulated-board.ts";
import { SimulatedLine } from "./simulated-line.ts";

const OLD = appImage("esp32c3", "1.0.0", 60_000);
const NEW = appImage("esp32c3", "1.1.0", 120_000);

/** Where the old app lies. */
const OLD_SLOT = 0x2_0000;

/** Bytes lost, flipped and put in, each one in three, at a rate. */
function noise(seed: number, oneIn: number): (bytes: Uint8Array) => Uint8Array {
  const random = createRandom(seed);
  return (bytes) => {
    const spoilt: number[] = [];
    for (const byte of bytes) {
      const chance = random.integer(0, oneIn - 1) === 0 ? random.integer(0, 2) : undefined;
      if (chance === 0) continue;
      spoilt.push(chance === 1 ? byte ^ (1 << random.integer(0, 7)) : byte);
      if (chance === 2) spoilt.push(random.integer(0, 255));
    }
    return Uint8Array.from(spoilt);
  };
}

test.for(Array.from({ length: 60 }, (_, seed) => seed))(
  "one byte in 10 000 spoilt (seed %i): verified and started, or a clear failure and the old app",
  async (seed) => {
    const hardware = createHardware({ chip: "esp32c3", app: OLD.bytes });
    const line = new SimulatedLine({ hardware, spoil: noise(seed, 10_000) });
    const outcome = await flashBoard(line, NEW).catch((error) => error);
    if (outcome instanceof Error) {
      expect(isOtaError(outcome), String(outcome)).toBe(true);
    } else {
      expect(outcome.boot.version).toBe("1.1.0");
      expect(Buffer.compare(hardware.flash.truth(OLD_SLOT, OLD.bytes.length), OLD.bytes)).toBe(0);
    }
    const started = runBootloader(hardware);
    expect(started.kind).toBe("boots");
  },
);
