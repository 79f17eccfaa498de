/**
 * Runs once before all tests. Installs Espressif's Python tools, as far as this machine can, so that their tests run on a
 * bare clone. After the tests it names, once, the system programs whose tests were skipped.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SCRIPTS = new URL("../scripts/", import.meta.url);

/** Installs what the package registries bring. Returns what runs after the tests. */
export default function setUp(): () => void {
  const { status, stderr } = spawnSync(process.execPath, [fileURLToPath(new URL("python-tools.ts", SCRIPTS))], {
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
  });
  const pythonTools =
    status === 0
      ? []
      : [`Espressif's Python tools could not be installed: ${lastLine(stderr)} (node scripts/python-tools.ts)`];
  return () => {
    const messages = [...missingPrograms(), ...pythonTools];
    if (messages.length > 0)
      console.warn(`\nTests were skipped, since something is not installed here.\n${messages.join("\n")}`);
  };
}

/** Names the programs that are not on the path, with the one line that installs all of them. */
function missingPrograms(): readonly string[] {
  const missing = readFileSync(new URL("system-tools.txt", SCRIPTS), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(" "))
    .filter(([program = ""]) => !isInstalled(program));
  if (missing.length === 0) return [];
  const programs = missing.map(([program]) => program).join(", ");
  return [
    `Missing: ${programs}. Debian and Ubuntu: sudo apt-get install ${missing.flatMap((line) => line.slice(1)).join(" ")}`,
  ];
}

/** Servers are in `/usr/sbin`, which the path of a user may lack. */
function isInstalled(program: string): boolean {
  if (program.startsWith("/")) return existsSync(program);
  const env = { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin` };
  return spawnSync("sh", ["-c", `command -v ${program}`], { env, stdio: "ignore" }).status === 0;
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
