import { expect, test } from "vitest";
import { installHint } from "./install-hint.ts";

test.for([
  ["linux", "ID=debian", "apt-get install python3 python3-venv"],
  ["linux", 'NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n', "apt-get install python3 python3-venv"],
  ["linux", "ID=alpine", "apk add python3"],
  ["linux", 'ID="rocky"\nID_LIKE="rhel centos fedora"', "dnf install python3"],
  ["darwin", "", "brew install python"],
  ["win32", "", "winget install Python.Python"],
  ["linux", "ID=nixos", "install Python 3.10 or newer, or uv"],
] as const)("on %s (%j) it names the system's own way", ([platform, osRelease, command]) => {
  expect(installHint(platform, osRelease)).toContain(command);
  expect(installHint(platform, osRelease)).toContain("uv (https://docs.astral.sh/uv)");
});
