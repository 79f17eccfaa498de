import { readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { hasGenerator, pythonOf } from "./python.ts";

/** Contents of a virtual environment at the time it was complete. */
interface EnvironmentRecord {
  /** Fingerprint of its Python: real path, size and modification time. */
  readonly python: string;
  /** Size in bytes of each installed file, by its path in the environment. */
  readonly files: Readonly<Record<string, number>>;
}

/** Written last: an environment without this file is incomplete. */
const RECORD = "environment.json";

/** Records the files and the Python of a virtual environment that is now complete. */
export function writeRecord(folder: string): void {
  const files = Object.fromEntries(installedFiles(folder).map((path) => [path, statSync(join(folder, path)).size]));
  const record: EnvironmentRecord = { python: fingerprintOf(pythonOf(folder)), files };
  writeFileSync(join(folder, RECORD), JSON.stringify(record));
}

/**
 * Returns `true` if a virtual environment still has its Python and all installed files. If the Python has changed since,
 * as after a system update, runs it to see whether it finds the generator.
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

/** Returns the installed files, without pip itself and without compiled files, which Python recreates. */
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
