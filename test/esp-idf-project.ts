/** A project that looks like one of ESP-IDF to CMake and idf.py, with no ESP-IDF in it. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildAppImage } from "@tinybms/ota-core/esp";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** The files that projects include. */
export const SCRIPTS: string = join(ROOT, "scripts", "esp-idf");

/** What ESP-IDF's build leaves to a project's CMakeLists.txt: properties, and targets made in another folder. */
const STAND_IN = `
add_custom_target(__idf_build_target)
function(idf_build_get_property var property)
    get_property(value TARGET __idf_build_target PROPERTY \${property})
    set(\${var} \${value} PARENT_SCOPE)
endfunction()
set_target_properties(__idf_build_target PROPERTIES
    PROJECT_NAME "\${CMAKE_PROJECT_NAME}" PROJECT_VER "\${PROJECT_VER}" PROJECT_DIR "\${CMAKE_SOURCE_DIR}"
    BUILD_DIR "\${CMAKE_BINARY_DIR}" EXECUTABLE_NAME "\${CMAKE_PROJECT_NAME}")
add_subdirectory(esptool)
`;

/** As components/esptool_py: a time stamp is the declared output, and the app image is written beside it. */
const ESPTOOL = `
set(stamp "\${CMAKE_BINARY_DIR}/.bin_timestamp")
add_custom_command(OUTPUT "\${stamp}"
    COMMAND \${CMAKE_COMMAND} -E copy "\${CMAKE_SOURCE_DIR}/app.elf" "\${CMAKE_BINARY_DIR}/\${CMAKE_PROJECT_NAME}.bin"
    COMMAND \${CMAKE_COMMAND} -E touch "\${stamp}"
    DEPENDS "\${CMAKE_SOURCE_DIR}/app.elf" VERBATIM)
add_custom_target(gen_project_binary DEPENDS "\${stamp}")
add_custom_target(app ALL DEPENDS gen_project_binary)
`;

/** How a program ended, and all it wrote. */
export interface Run {
  readonly exitCode: number | null;
  readonly output: string;
}

/** A project in a folder of its own. */
export interface EspIdfProject {
  readonly folder: string;
  readonly manifest: string;
  /** Writes the source of the app: the next build makes this image. */
  writeApp(version: string, seed?: number): void;
  writeCMakeLists(lines: { readonly before?: string; readonly project?: string }): void;
  /** Puts `tinybms-ota` into node_modules/.bin of the project's folder; it notes each call. */
  installCommand(): void;
  /** Arguments of each call since the last look, one line each. */
  takeCalls(): string[];
  configure(generator: string, ...options: string[]): Run;
  build(): Run;
  /** Every file of the release line with its time and size. */
  releases(): Record<string, string>;
  remove(): void;
}

/** PATH without a folder that has `tinybms-ota`, so that only what a test installs is found. */
export const PATH_WITHOUT_COMMAND: string = (process.env.PATH ?? "")
  .split(delimiter)
  .filter((folder) => !existsSync(join(folder, "tinybms-ota")))
  .join(delimiter);

/** Whether a program can be run here. */
export function isInstalled(program: string): boolean {
  return spawnSync(program, ["--version"], { stdio: "ignore" }).error === undefined;
}

/** Runs a program to its end, with PATH_WITHOUT_COMMAND. */
export function runProgram(program: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Run {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    env: { ...process.env, PATH: PATH_WITHOUT_COMMAND, ...env },
    encoding: "utf8",
  });
  if (error !== undefined) throw error;
  return { exitCode: status, output: stdout + stderr };
}

/** Makes a project with an empty release line, an app of version 1.2.3, and no command. */
export function createEspIdfProject(): EspIdfProject {
  const scratch = mkdtempSync(join(tmpdir(), "tinybms-esp-idf-"));
  const folder = join(scratch, "a project");
  const manifest = join(folder, "ota", "manifest.json");
  const calls = join(scratch, "calls.txt");
  mkdirSync(join(folder, "esptool"), { recursive: true });
  mkdirSync(join(folder, "ota"));
  writeFileSync(join(folder, "stand-in.cmake"), STAND_IN);
  writeFileSync(join(folder, "esptool", "CMakeLists.txt"), ESPTOOL);
  const product = { name: "Gateway", hardware: "esp32" };
  writeFileSync(manifest, `${JSON.stringify({ schema_version: 1, product, versions: [] }, null, 2)}\n`);
  const project: EspIdfProject = {
    folder,
    manifest,
    writeApp: (version, seed = 1) =>
      writeFileSync(
        join(folder, "app.elf"),
        buildAppImage({ version, projectName: "gateway", sizeBytes: 40_000, seed }),
      ),
    writeCMakeLists: ({ before = "", project: included = "include(stand-in.cmake)" }) =>
      writeFileSync(
        join(folder, "CMakeLists.txt"),
        `cmake_minimum_required(VERSION 3.16)\nproject(gateway NONE)\n${included}\n${before}\ninclude("${SCRIPTS}/tinybms-ota.cmake")\n`,
      ),
    installCommand: () => installCommand(join(folder, "node_modules", ".bin"), calls),
    takeCalls: () => {
      if (!existsSync(calls)) return [];
      const lines = readFileSync(calls, "utf8").trimEnd().split("\n");
      rmSync(calls);
      return lines;
    },
    configure: (generator, ...options) =>
      runProgram("cmake", ["-G", generator, "-S", folder, "-B", join(folder, "build"), ...options], folder),
    build: () => runProgram("cmake", ["--build", join(folder, "build")], folder),
    releases: () => {
      const entries = readdirSync(join(folder, "ota"), { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      return Object.fromEntries(files.map((file) => [file, `${statSync(file).mtimeMs} ${statSync(file).size}`]));
    },
    remove: () => rmSync(scratch, { recursive: true, force: true }),
  };
  project.writeApp("1.2.3");
  project.writeCMakeLists({});
  return project;
}

/** The command from its source, as npm would have put it there. */
function installCommand(binFolder: string, calls: string): void {
  const source = join(ROOT, "packages", "ota-publisher", "src", "bin", "tinybms-ota.ts");
  const wrapper = join(binFolder, "tinybms-ota");
  mkdirSync(binFolder, { recursive: true });
  writeFileSync(
    wrapper,
    `#!/bin/sh\necho "$*" >> "${calls}"\nexec "${process.execPath}" --conditions=@tinybms/source "${source}" "$@"\n`,
  );
  chmodSync(wrapper, 0o755);
}
