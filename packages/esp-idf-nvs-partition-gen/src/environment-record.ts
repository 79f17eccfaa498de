import { readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { hasGenerator, pythonOf } from "./python.ts";

/** What is known of a virtual environment that was whole. */
interface EnvironmentRecord {
  /** Which Python it runs on: its real path, size and time. */
  readonly python: string;
  /** Size in bytes of each installed file, by its path in the environment. */
  readonly files: Readonly<Record<string, number>>;
}

/** Written last, so that without it an environment is torn. */
const RECORD = "environment.json";

/** Notes what a virtual environment has, which is now whole. */
export function writeRecord(folder: string): void {
  const files = Object.fromEntries(installedFiles(folder).map((path) => [path, statSync(join(folder, path)).size]));
  const record: EnvironmentRecord = { python: fingerprintOf(pythonOf(folder)), files };
  writeFileSync(join(folder, RECORD), JSON.stringify(record));
}

/**
 * Returns whether a virtual environment has everything still that was installed, and a Python. Where the Python is
 * another one than it was, since the system's was updated, that is asked.
 */
export async function isWhole(folder: string, env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<boolean> {
  const record = readRecord(folder);
  if (record === undefined) return false;
  for (const [path, size] of Object.entries(record.files)) {
    if (statSync(join(folder, path), { throwIfNoEntry: false })?.size !== size) return false;
  }
  const python = fingerprintOf(pythonOf(folder));
  if (python === "") return false;
  return python === record.python || hasGenerator(pythonOf(folder), env, signal);
}

function readRecord(folder: string): EnvironmentRecord | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(join(folder, RECORD), "utf8"));
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is EnvironmentRecord {
  if (typeof value !== "object" || value === null || !("python" in value) || !("files" in value)) return false;
  const { python, files } = value;
  return typeof python === "string" && typeof files === "object" && files !== null && Object.keys(files).length > 0;
}

/** Files of the packages, but for pip itself and for what Python compiles anew when it needs it. */
function installedFiles(folder: string): readonly string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => /(?:^|[\\/])site-packages[\\/](?!pip[\\/]|pip-)/.test(path))
    .filter((path) => !path.split(sep).includes("__pycache__"));
}

function fingerprintOf(python: string): string {
  try {
    const path = realpathSync(python);
    const { size, mtimeMs } = statSync(path);
    return `${path} ${size} ${mtimeMs}`;
  } catch {
    return "";
  }
}
