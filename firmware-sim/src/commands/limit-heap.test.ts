import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

const MIB = 1024 * 1024;
const MODULE = new URL("limit-heap.ts", import.meta.url).href;

/** Returns the size of the young generation of a process after it made garbage, in bytes. @param first - Its first statement. */
function youngGenerationAfter(first: string): number {
  const script = `
    const { limitHeap, youngGenerationBytes } = await import(${JSON.stringify(MODULE)});
    ${first};
    const kept = [];
    for (let index = 0; index < 6_000_000; index++) kept[index % 200_000] = { array: [index] };
    console.log(youngGenerationBytes());`;
  const argv = ["--conditions=@tinybms/source", "--input-type=module", "--eval", script];
  return Number(execFileSync(process.execPath, argv, { encoding: "utf8" }));
}

// The flags are those of a whole process, so each runs in its own.
test("stops the growth of the young generation, which otherwise goes on", () => {
  expect(youngGenerationAfter("")).toBeGreaterThan(16 * MIB);
  expect(youngGenerationAfter("limitHeap()")).toBe(16 * MIB);
});
