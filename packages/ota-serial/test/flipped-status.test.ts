// One bit of a status that flips on the line, in each answer of a session in turn.
import { createHardware } from "@tinybms/firmware-sim";
import type { ChipName } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { appImage } from "./benches.ts";
import { flashBoard } from "./flash-simulated-board.ts";
import { SimulatedLine } from "./simulated-line.ts";

/** Of a frame without escapes: C0, 01, op, length u16, value u32, then payload and status. */
const HEADER_SIZE = 9;

/** Flips a bit of the first status byte of the n-th answer. @returns The line, and how many answers there were. */
function flippingAt(chip: ChipName, wanted: number, bit: number) {
  const old = appImage(chip, "1.0.0", 30_000);
  const count = { answers: 0 };
  let statusSize = 4;
  const line = new SimulatedLine({
    hardware: createHardware({ chip, app: old.bytes }),
    spoil: (bytes, way) => {
      const isAnswer = way === "to-host" && bytes[0] === 0xc0 && bytes[1] === 1;
      if (!isAnswer) return bytes;
      const isSync = bytes[2] === 0x08;
      // A stub answers with two bytes of status, and READ_REG with nothing else.
      if (bytes[2] === 0x0a) statusSize = bytes.length - HEADER_SIZE - 1;
      if (isSync || count.answers++ !== wanted) return bytes;
      const place = bytes.length - 1 - statusSize;
      return bytes.with(place, (bytes[place] ?? 0) ^ bit);
    },
  });
  return { line, count };
}

test.for(["esp32", "esp32c3"] as const)("flashing an %s survives a flipped status in any answer", async (chip) => {
  const app = appImage(chip, "1.1.0", 30_000);
  const { line, count } = flippingAt(chip, Number.POSITIVE_INFINITY, 0);
  await flashBoard(line, app);
  expect(count.answers).toBeGreaterThan(30);
  for (let answer = 0; answer < count.answers; answer++) {
    const spoilt = flippingAt(chip, answer, 1 << (answer % 8));
    const { boot } = await flashBoard(spoilt.line, app, { onNote: () => undefined });
    expect(boot.version, `answer ${answer}`).toBe("1.1.0");
  }
});
