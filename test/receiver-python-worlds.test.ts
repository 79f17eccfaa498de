/** The example receiver in Python in simulated worlds with power cuts, and bugs planted where no vector looks. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ExecMachine } from "../firmware-sim/src/conformance/exec-machine.ts";
import { ExecThread } from "../firmware-sim/src/conformance/exec-thread.ts";
import { WorldJudge, type WorldViolation } from "../firmware-sim/src/conformance/judge-world.ts";

const EXAMPLE = fileURLToPath(new URL("../examples/receiver-python", import.meta.url));

const hasPython = spawnSync("python3", ["--version"]).status === 0;
const WHY_NO_PYTHON = hasPython ? "" : " (skipped: install Python 3)";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-python-worlds-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const commandOf = (example: string) => `exec python3 "${join(example, "conformance.py")}"`;

async function violationsOf(example: string, seeds: readonly number[]): Promise<readonly WorldViolation[]> {
  const thread = new ExecThread(commandOf(example));
  try {
    const judge = new WorldJudge((options) => new ExecMachine(thread, options));
    return seeds.flatMap((seed) => judge.judge(seed));
  } finally {
    await thread.close();
  }
}

/** Returns a copy of the example in which texts of `receiver.py` are replaced. */
function plant(changes: readonly (readonly [right: string, wrong: string])[]): string {
  const copy = mkdtempSync(join(folder, "mutant-"));
  cpSync(EXAMPLE, copy, { recursive: true });
  let source = readFileSync(join(EXAMPLE, "receiver.py"), "utf8");
  for (const [right, wrong] of changes) {
    expect(source).toContain(right);
    source = source.replace(right, wrong);
  }
  writeFileSync(join(copy, "receiver.py"), source);
  return copy;
}

test.skipIf(!hasPython)(`passes worlds with power cuts${WHY_NO_PYTHON}`, async () => {
  expect(await violationsOf(EXAMPLE, [1, 2, 3, 4, 5, 6])).toEqual([]);
});

interface PlantedBug {
  readonly name: string;
  readonly changes: readonly (readonly [right: string, wrong: string])[];
  /** Seed of a world that finds it. */
  readonly seed: number;
}

const BUGS: readonly PlantedBug[] = [
  {
    name: "takes up the standing offer again in its own probation",
    changes: [
      ['if self.probation and attempt and attempt["offer"] == offer["id"]:', "if False:"],
      [
        "if self.probation or (self.download",
        'if (self.probation and number != self.record["accepted"]) or (self.download',
      ],
    ],
    seed: 1,
  },
  {
    name: "rolls a proven image back if the power failed before its outcome was stored",
    changes: [
      [
        'if attempt.get("proven"):\n                return self.end(attempt, "confirmed")',
        'if attempt.get("proven"):\n                self.begin_probation(attempt, timer=False)\n                return self.roll_back("delivery/attempts-exhausted")',
      ],
    ],
    seed: 15,
  },
  {
    name: "listens for chunks on the topic of the image only",
    changes: [
      ['elif topic.endswith("/chunk"):', 'elif topic.startswith(self.topic["image"]) and topic.endswith("/chunk"):'],
    ],
    seed: 1,
  },
];

test.skipIf(!hasPython).for(BUGS)(`a world finds a receiver that $name${WHY_NO_PYTHON}`, async ({ changes, seed }) => {
  const found = await violationsOf(plant(changes), [seed]);
  expect(found.map(({ invariant }) => invariant)).toContain("delivered");
});
