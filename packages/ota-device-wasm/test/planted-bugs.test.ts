import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { provisioned } from "../../ota-core/test/bench-trust.ts";
import { DeviceModule } from "../src/index.ts";
import { anyScript, runBoth } from "./differential-scripts.ts";

const COMPONENT = join(import.meta.dirname, "../../../components/tinybms_ota");
/** The compiler of `scripts/build-wasm.ts`. */
const COMPILER = "clang-19";

const PROVENANCE = join(import.meta.dirname, "../provenance.json");

/** Bugs to plant in the C code: the file, what it says, and what it says then. */
const BUGS: readonly (readonly [name: string, file: string, from: string, to: string])[] = [
  [
    "accepts a chunk without its hash",
    "download.c",
    "} else if (!matches(tbo, chunk.index",
    "} else if (false && !matches(tbo, chunk.index",
  ],
  ["writes chunk 0 first", "download.c", "chunk.index == 0 && download->missing.count > 1", "chunk.index == 1000000"],
  [
    "skips the image's own hash",
    "download.c",
    "memcmp(found->stored_sha256, download->image",
    "memcmp(download->image, download->image",
  ],
  [
    "sets an image to boot without a record",
    "receiver.c",
    "tbo_store_record(tbo);\n  download->phase = TBO_PHASE_SWITCH;",
    "download->phase = TBO_PHASE_SWITCH;",
  ],
  ["restarts although it must not", "install.c", "if (tbo->is_reboot_held) return UINT64_MAX;", ""],
  [
    "skips the release's signatures",
    "trust.c",
    "if (exam->is_second || !begin_second(tbo, code)) return false;",
    "return false;",
  ],
  ["takes any signature", "trust.c", "if (answer == VALID) {", "if (answer != NOT_ASKED) {"],
  ["accepts an offer that is older", "gate.c", "if (order >= 0) return true;", "return true;"],
  ["forgets the budget of verifications", "budget.c", "budget->at[budget->count++] = now;", "(void)now;"],
  ["takes up an offer that ended", "take_up.c", "if (is_known && stands(tbo, offer)) return;", ""],
  ["confirms an image without the broker", "probation.c", "if (tbo->is_connected) confirm(tbo);", "confirm(tbo);"],
  ["takes a window that opened before midnight for closed", "install.c", "% DAY_MS", "% (2 * (int64_t)DAY_MS)"],
  ["restarts with the whole fleet", "install.c", "until <= tbo->now", "true"],
  ["restarts before the time of the offer", "install.c", "left < LOOK_AGAIN_MS ? left : LOOK_AGAIN_MS", "0"],
  ["passes over a critical time", "install.c", "download->needs_clock ? UINT64_MAX : download", "download"],
  ["never ends an extended probation", "probation.c", "&& tbo->now < tbo->probation_latest", ""],
  ["lets a report go out at every chunk", "report.c", "tbo->now >= due", "true"],
];

/** Builds the module with a bug, with the flags of the committed one. */
function buildWith(file: string, from: string, to: string): DeviceModule {
  const folder = mkdtempSync(join(tmpdir(), "planted-bug-"));
  try {
    const component = join(folder, "components/tinybms_ota");
    cpSync(COMPONENT, component, { recursive: true });
    const path = join(component, "src/core", file);
    const source = readFileSync(path, "utf8");
    expect(source.split(from), `${file} has this text once`).toHaveLength(2);
    writeFileSync(path, source.replace(from, to));
    const { flags, sources } = JSON.parse(readFileSync(PROVENANCE, "utf8"));
    const units = Object.keys(sources).filter((name) => name.endsWith(".c"));
    const quiet = ["-Wno-unused-function", "-Wno-unused-parameter", "-Wno-unused-variable"];
    const built = spawnSync(COMPILER, [...flags, ...quiet, "-o", "out.wasm", ...units], {
      cwd: folder,
      encoding: "utf8",
    });
    expect(built.stderr).toBe("");
    return new DeviceModule(new Uint8Array(readFileSync(join(folder, "out.wasm"))));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const hasCompiler = spawnSync(COMPILER, ["--version"]).status === 0;

test.skipIf(!hasCompiler).for(BUGS)("finds a machine that %s", ([, file, from, to]) => {
  const module = buildWith(file, from, to);
  const keySet = provisioned();
  const runs = fc.check(
    fc.property(anyScript, (script) => runBoth(script, { chipId: 0, allowUnsigned: false, keySet }, module)),
    { numRuns: 3000, seed: 1, endOnFailure: true },
  );
  expect(runs.failed).toBe(true);
});
