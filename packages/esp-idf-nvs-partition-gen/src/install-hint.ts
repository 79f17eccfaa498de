import { readFileSync } from "node:fs";
import { PYTHON_VERSION_MIN } from "./python.ts";

const PYTHON = `Python ${PYTHON_VERSION_MIN} or newer`;

/** Linux distributions, by `ID` and `ID_LIKE` in os-release, and the command that installs Python on them. */
const LINUX: readonly (readonly [family: RegExp, command: string])[] = [
  [/\b(?:debian|ubuntu)\b/, "apt-get install python3 python3-venv"],
  [/\b(?:fedora|rhel|centos)\b/, "dnf install python3"],
  [/\b(?:alpine)\b/, "apk add python3"],
  [/\b(?:arch)\b/, "pacman -S python"],
  [/\b(?:suse|opensuse)\b/, "zypper install python3"],
];

/** Returns one sentence that says what to install on this system so that the generator can be set up. */
export function installHint(platform: NodeJS.Platform = process.platform, osRelease: string = readOsRelease()): string {
  const command = commandOf(platform, osRelease);
  const python = command === undefined ? PYTHON : `${PYTHON} (${command})`;
  return `install ${python}, or uv (https://docs.astral.sh/uv), which brings a Python of its own`;
}

function commandOf(platform: NodeJS.Platform, osRelease: string): string | undefined {
  if (platform === "win32") return "winget install Python.Python.3.13";
  if (platform === "darwin") return "brew install python";
  const families = [...osRelease.matchAll(/^ID(?:_LIKE)?=(.*)$/gm)].map((match) => match[1]).join(" ");
  return LINUX.find(([family]) => family.test(families))?.[1];
}

function readOsRelease(): string {
  try {
    return readFileSync("/etc/os-release", "utf8");
  } catch {
    return "";
  }
}
