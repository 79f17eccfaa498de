// The vectors judge the device code in C as machine code: on the host with sanitizers, and in QEMU.
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runVector } from "../firmware-sim/src/conformance/run-vector.ts";
import { parseVector } from "../firmware-sim/src/conformance/vector.ts";
import { buildJudge, type JudgeTargetName, missingTools } from "../scripts/device-judge/judge-build.ts";
import { JudgeProcess } from "../scripts/device-judge/judge-process.ts";

const FOLDER = new URL("../vectors/v1/", import.meta.url);

const vectors = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".jsonl"))
  .map((name) => parseVector(readFileSync(new URL(name, FOLDER), "utf8"), name));

test.for<JudgeTargetName>(["native", "rv32imac", "xtensa"])(
  "the receiver in C passes all vectors as %s code",
  async (target, { skip }) => {
    const missing = missingTools(target);
    if (missing.length > 0) skip(`not installed: ${missing.join(", ")}`);
    const judge = new JudgeProcess(buildJudge(target));
    for (const vector of vectors) expect(await runVector(vector, judge), vector.header.name).toBeUndefined();
    await judge.close();
  },
);
