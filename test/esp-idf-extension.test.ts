import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { documentedCommands } from "../scripts/generate-cli-reference.ts";
import { isInstalled, PATH_WITHOUT_COMMAND, type Run, runProgram, SCRIPTS } from "./esp-idf-project.ts";

const isAbsent = !isInstalled("python3") || process.platform === "win32";
const WHY = isAbsent ? " (skipped: `apt-get install python3`)" : "";
const pythonTest = test.skipIf(isAbsent);

/** What idf.py does with an extension: import it, ask for its actions, call one with context, arguments and options. */
const IDF_PY = `
import importlib.util, json, sys
from types import SimpleNamespace
path, project, build, action, options = sys.argv[1:]
spec = importlib.util.spec_from_file_location("idf_ext", path)
idf_ext = importlib.util.module_from_spec(spec)
spec.loader.exec_module(idf_ext)
base = {"actions": {"all": {}}}
extension = idf_ext.action_extensions(base, project)
assert base == {"actions": {"all": {}}}
if action == "list":
    for named in extension["actions"].values():
        named["callback"] = callable(named["callback"])
    print(json.dumps(extension))
else:
    entry = extension["actions"][action]
    names = {option["names"][0][2:].replace("-", "_"): option for option in entry["options"]}
    given = {name: option.get("default", ()) for name, option in names.items()}
    given.update(json.loads(options))
    entry["callback"](action, SimpleNamespace(), SimpleNamespace(build_dir=build), **given)
`;

const COMMAND = `#!/bin/sh
for argument in "$@"; do echo "$argument" >> "$RECORD"; done
exit "\${EXIT_CODE:-0}"
`;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-idf-py-"));
  mkdirSync(join(folder, "project", "build"), { recursive: true });
  install(join(folder, "bin"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function install(binFolder: string): void {
  mkdirSync(binFolder, { recursive: true });
  writeFileSync(join(binFolder, "tinybms-ota"), COMMAND);
  chmodSync(join(binFolder, "tinybms-ota"), 0o755);
}

function describeBuild(members: object): void {
  writeFileSync(join(folder, "project", "build", "project_description.json"), JSON.stringify(members));
}

function idfPy(action: string, options: object = {}, env: NodeJS.ProcessEnv = {}): Run {
  const [project, build] = [join(folder, "project"), join(folder, "project", "build")];
  const args = ["-B", "-c", IDF_PY, join(SCRIPTS, "idf_ext.py"), project, build, action, JSON.stringify(options)];
  const path = [join(folder, "bin"), PATH_WITHOUT_COMMAND].join(delimiter);
  return runProgram("python3", args, folder, { PATH: path, RECORD: join(folder, "argv.txt"), ...env });
}

const recorded = (): string[] => readFileSync(join(folder, "argv.txt"), "utf8").trimEnd().split("\n");

pythonTest(`idf.py is given three actions, in the form of its extension interface${WHY}`, () => {
  const { exitCode, output } = idfPy("list");
  expect(exitCode).toBe(0);
  const extension = JSON.parse(output);
  expect(Object.keys(extension)).toEqual(["version", "actions"]);
  expect(extension.version).toBe("1");
  expect(Object.keys(extension.actions)).toEqual(["ota-package", "ota-deploy", "ota-validate"]);
  expect(extension.actions["ota-package"].dependencies).toEqual(["all"]);
  for (const action of Object.values<Record<string, unknown>>(extension.actions)) {
    expect(action).toMatchObject({ callback: true, short_help: expect.any(String), help: expect.any(String) });
    for (const option of action.options as Record<string, unknown>[]) {
      expect(option).toMatchObject({ names: [expect.stringMatching(/^--[a-z-]+$/)], help: expect.any(String) });
    }
  }
});

pythonTest(`every option of an action is an option of the command${WHY}`, async () => {
  const { actions } = JSON.parse(idfPy("list").output) as Record<string, Record<string, { options: unknown }>>;
  const commands = await documentedCommands();
  for (const [action, { options }] of Object.entries(actions ?? {})) {
    const name = action.replace("ota-", "");
    const help = commands.find(({ words }) => words.join(" ") === `tinybms-ota ${name}`)?.help ?? "";
    const known = [...help.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, option]) => option);
    const offered = (options as { names: readonly string[] }[]).flatMap(({ names }) => names);
    expect(offered.filter((option) => !known.includes(option))).toEqual([]);
  }
});

pythonTest(`ota-package packages the app of the build under its project name and version${WHY}`, () => {
  describeBuild({ app_bin: "gateway.bin", project_name: "gateway", project_version: "1.2.3" });
  expect(idfPy("ota-package", { update_manifest: true, label: "A; $label" })).toEqual({ exitCode: 0, output: "" });
  const binary = join(folder, "project", "build", "gateway.bin");
  expect(recorded()).toEqual([
    ...["package", "--binary", binary, "--version", "1.2.3", "--project", "gateway"],
    ...["--label", "A; $label", "--update-manifest"],
  ]);
});

pythonTest(`what the caller says stands above what the build says${WHY}`, () => {
  describeBuild({ app_bin: "gateway.bin", project_name: "gateway", project_version: "1.2.3" });
  idfPy("ota-package", { binary: "other.bin", version: "2.0", project: "other", sign_key: ["a.pem", "b.pem"] });
  expect(recorded()).toEqual([
    ...["package", "--binary", "other.bin", "--version", "2.0", "--project", "other"],
    ...["--sign-key", "a.pem", "--sign-key", "b.pem"],
  ]);
});

pythonTest(`an ESP-IDF that does not write the version leaves it to the image${WHY}`, () => {
  describeBuild({ app_bin: "gateway.bin", project_name: "gateway" });
  idfPy("ota-package");
  expect(recorded()).not.toContain("--version");
});

pythonTest(`ota-deploy passes its options through, repeated ones each time${WHY}`, () => {
  describeBuild({ project_version: "1.2.3" });
  idfPy("ota-deploy", { device: ["bench-1", "bench-2"], timeout: "60", dry_run: true, json: true });
  expect(recorded()).toEqual([
    ...["deploy", "--version", "1.2.3", "--device", "bench-1", "--device", "bench-2"],
    ...["--timeout", "60", "--dry-run", "--json"],
  ]);
});

pythonTest(`ota-validate passes its options through, and the exit code back${WHY}`, () => {
  const { exitCode } = idfPy("ota-validate", { manifest: "ota/line.json", format: "github" }, { EXIT_CODE: "2" });
  expect(exitCode).toBe(2);
  expect(recorded()).toEqual(["validate", "--manifest", "ota/line.json", "--format", "github"]);
});

pythonTest(`before the first build it says what to do, and runs nothing${WHY}`, () => {
  for (const [action, option] of [
    ["ota-package", "--binary"],
    ["ota-deploy", "--version"],
  ] as const) {
    const { exitCode, output } = idfPy(action);
    expect(exitCode).toBe(2);
    expect(output).toContain(`build first, or name ${option}`);
  }
  expect(existsSync(join(folder, "argv.txt"))).toBe(false);
});

pythonTest(`the command of the project comes before that on PATH; without one it says how to get it${WHY}`, () => {
  install(join(folder, "node_modules", ".bin"));
  rmSync(join(folder, "bin"), { recursive: true });
  expect(idfPy("ota-validate")).toEqual({ exitCode: 0, output: "" });
  expect(recorded()).toEqual(["validate"]);

  rmSync(join(folder, "node_modules"), { recursive: true });
  const { exitCode, output } = idfPy("ota-validate");
  expect(exitCode).toBe(1);
  expect(output).toContain("tinybms-ota is not installed: install the tarballs");
});
