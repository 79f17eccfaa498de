import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { type BenchLine, compare } from "./bench-line.ts";

const ROUNDS = 21;
const IMAGE_SIZE = 1_300_000;
const COMMAND = fileURLToPath(new URL("../packages/ota-publisher/dist/bin/tinybms-ota.js", import.meta.url));
const PEER = fileURLToPath(new URL("python-package.py", import.meta.url));
const BARE = fileURLToPath(new URL("bare-package.js", import.meta.url));
const DEPLOY_PEER = fileURLToPath(new URL("python-deploy.py", import.meta.url));

/**
 * `tinybms-ota package --update-manifest` of a new version as `pnpm build` left it, and a dry run of its delivery, against
 * the same by the original's method in Python, which neither looks at the image nor waits for the disk; and what `--help`
 * adds to Node's own start.
 */
export async function benchPackage(): Promise<readonly BenchLine[]> {
  if (!existsSync(COMMAND)) throw new Error(`${COMMAND} is missing: run \`pnpm build\` first`);
  const folder = mkdtempSync(join(tmpdir(), "tinybms-bench-"));
  try {
    const python = interpreter();
    const binary = join(folder, "app.bin");
    writeFileSync(binary, buildAppImage({ chip: "esp32", version: "1.0.0", sizeBytes: IMAGE_SIZE }));
    const args = (): string[] => ["--manifest", freshLine(folder), "--binary", binary, "--version", "1.0.0"];
    const run = async (program: string, ...first: string[]): Promise<number> =>
      time(program, [...first, ...args(), "--update-manifest"]);
    return [
      await compare(`package ${IMAGE_SIZE} bytes, against Python`, 1.15, ROUNDS, {
        ours: () => run(process.execPath, COMMAND, "package"),
        plain: () => run(python, PEER),
      }),
      // No limit of ours: what Node itself needs for the same, so that the line above can be judged.
      await compare("a bare Node script that hashes, copies and renames, against Python", 1.15, ROUNDS, {
        ours: () => run(process.execPath, BARE),
        plain: () => run(python, PEER),
      }),
      await compare("deploy --dry-run, against Python", 0.6, ROUNDS, {
        ours: async () => time(process.execPath, [COMMAND, "deploy", ...dryRun(folder)]),
        plain: async () => time(python, [DEPLOY_PEER, ...dryRun(folder)]),
      }),
      await compare("--help, against node -e 0", 1.3, ROUNDS, {
        ours: async () => time(process.execPath, [COMMAND, "--help"]),
        plain: async () => time(process.execPath, ["-e", "0"]),
      }),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Python itself: what is called `python3` may be a script of a version manager that takes longer than Python does. */
function interpreter(): string {
  const { stdout } = spawnSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" });
  const path = stdout?.trim() ?? "";
  if (path === "") throw new Error("the bench needs python3");
  return path;
}

/** A dry run of the release that the last `package` left. */
function dryRun(folder: string): string[] {
  return ["--manifest", join(folder, "ota", "manifest.json"), "--version", "1.0.0", "--dry-run"];
}

/** A release line with no version yet, so that each run does all of the work. */
function freshLine(folder: string): string {
  const line = join(folder, "ota");
  rmSync(line, { recursive: true, force: true });
  mkdirSync(line);
  const manifest = join(line, "manifest.json");
  const product = { name: "gateway", hardware: "esp32" };
  const channels = { mqtt: { broker: "mqtt://localhost", topic: "tinybms/gateway/ota" } };
  const deployment = { channels, default_protocols: ["mqtt"] };
  writeFileSync(manifest, JSON.stringify({ schema_version: 1, product, deployment, versions: [] }, null, 2));
  return manifest;
}

/** Milliseconds from start to end of a process. */
function time(program: string, args: readonly string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(program, args, { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  const end = performance.now();
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}: ${stderr}`);
  return end - start;
}
