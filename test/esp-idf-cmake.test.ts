import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createEspIdfProject, type EspIdfProject, isInstalled } from "./esp-idf-project.ts";

const GENERATORS = [
  ["Ninja", "ninja", "ninja-build"],
  ["Unix Makefiles", "make", "make"],
] as const;
const hasCmake = isInstalled("cmake");
const usable = GENERATORS.find(([, program]) => hasCmake && isInstalled(program))?.[0];
const WHY = usable === undefined ? " (skipped: `apt-get install cmake ninja-build`)" : "";
const cmakeTest = test.skipIf(usable === undefined || process.platform === "win32");
const GENERATOR = usable ?? "Ninja";

let project: EspIdfProject;

beforeEach(() => {
  project = createEspIdfProject();
});

afterEach(() => project.remove());

const packageCall = (version: string, ...more: string[]): string =>
  [
    ...["package", "--binary", join(project.folder, "build", "gateway.bin"), "--manifest", project.manifest],
    ...["--project", "gateway", "--version", version, ...more],
  ].join(" ");
const released = (): unknown => JSON.parse(readFileSync(project.manifest, "utf8")).versions;

for (const [generator, program, debianPackage] of GENERATORS) {
  const isAbsent = !hasCmake || !isInstalled(program) || process.platform === "win32";
  const why = isAbsent ? ` (skipped: \`apt-get install cmake ${debianPackage}\`)` : "";

  test.skipIf(isAbsent)(`${generator}: a build packages the app once, and again when it is another${why}`, () => {
    project.installCommand();
    expect(project.configure(generator, "-DPROJECT_VER=1.2.3").output).not.toContain("Warning");
    const first = project.build();
    expect(first).toMatchObject({ exitCode: 0, output: expect.stringContaining("gateway 1.2.3") });
    expect(project.takeCalls()).toEqual([packageCall("1.2.3", "--update-manifest")]);
    expect(released()).toEqual([{ id: "1.2.3", manifest: "versions/1.2.3/ota.json" }]);

    const before = project.releases();
    expect(project.build().exitCode).toBe(0);
    expect(project.takeCalls()).toEqual([]);
    expect(project.releases()).toEqual(before);

    project.writeApp("1.3.0");
    project.configure(generator, "-DPROJECT_VER=1.3.0");
    expect(project.build().exitCode).toBe(0);
    expect(project.takeCalls()).toEqual([packageCall("1.3.0", "--update-manifest")]);
    expect(released()).toMatchObject([{ id: "1.2.3" }, { id: "1.3.0" }]);
  });
}

cmakeTest(`the same app linked anew is not packaged again${WHY}`, () => {
  project.installCommand();
  project.configure(GENERATOR, "-DPROJECT_VER=1.2.3");
  project.build();
  project.takeCalls();
  project.writeApp("1.2.3");
  rmSync(join(project.folder, "build", ".bin_timestamp"));
  expect(project.build().exitCode).toBe(0);
  expect(project.takeCalls()).toEqual([]);
});

cmakeTest(`an entry that was taken out of the manifest comes back with the next build${WHY}`, () => {
  project.installCommand();
  project.configure(GENERATOR, "-DPROJECT_VER=1.2.3");
  const empty = readFileSync(project.manifest);
  project.build();
  writeFileSync(project.manifest, empty);
  project.build();
  expect(released()).toMatchObject([{ id: "1.2.3" }]);
});

cmakeTest(`without the command there is one warning, and the build goes on${WHY}`, () => {
  expect(project.configure(GENERATOR, "-DPROJECT_VER=1.2.3")).toMatchObject({ exitCode: 0 });
  const before = project.releases();
  const { exitCode, output } = project.build();
  expect(exitCode).toBe(0);
  expect(output.match(/CMake Warning/g)).toHaveLength(1);
  expect(output.replace(/\s+/g, " ")).toContain("the command tinybms-ota is not installed: install the tarballs");
  expect(readFileSync(join(project.folder, "build", "gateway.bin"))).toEqual(
    readFileSync(join(project.folder, "app.elf")),
  );
  expect(project.releases()).toEqual(before);

  project.installCommand();
  project.build();
  expect(released()).toMatchObject([{ id: "1.2.3" }]);
});

cmakeTest(`a release that is refused is a warning at each build, and with TINYBMS_OTA_STRICT an error${WHY}`, () => {
  project.installCommand();
  writeFileSync(project.manifest, "{");
  project.configure(GENERATOR, "-DPROJECT_VER=1.2.3");
  for (const _time of ["first", "second"]) {
    const { exitCode, output } = project.build();
    expect(exitCode).toBe(0);
    expect(output).toContain("error[manifest/syntax]");
    expect(output.replace(/\s+/g, " ")).toContain("the app was not packaged (exit code 2)");
  }
  project.configure(GENERATOR, "-DTINYBMS_OTA_STRICT=ON");
  expect(project.build().exitCode).not.toBe(0);
});

cmakeTest(
  `another app under a released version is refused, and with --force in TINYBMS_OTA_ARGS replaces it${WHY}`,
  () => {
    project.installCommand();
    project.configure(GENERATOR, "-DPROJECT_VER=1.2.3");
    project.build();
    const before = project.releases();
    project.writeApp("1.2.3", 2);
    const refused = project.build();
    expect(refused).toMatchObject({ exitCode: 0, output: expect.stringContaining("error[package/already-released]") });
    expect(project.releases()).toEqual(before);

    project.configure(GENERATOR, "-DTINYBMS_OTA_ARGS=--force");
    expect(project.build().output).not.toContain("Warning");
    const versionFolder = join(project.folder, "ota", "versions", "1.2.3");
    const [artifact] = JSON.parse(readFileSync(join(versionFolder, "ota.json"), "utf8")).artifacts;
    const app = readFileSync(join(project.folder, "app.elf"));
    expect(readFileSync(join(versionFolder, artifact.filename))).toEqual(app);
  },
);

cmakeTest(`settings come from the command line, and from set() before the include${WHY}`, () => {
  project.installCommand();
  const otherManifest = join(project.folder, "ota", "line 2.json");
  writeFileSync(otherManifest, readFileSync(project.manifest));
  project.writeCMakeLists({ before: 'set(TINYBMS_OTA_LABEL "Beta; the \\"second\\"")' });
  const settings = ["-DTINYBMS_OTA_MANIFEST=ota/line 2.json", "-DTINYBMS_OTA_ARGS=--artifact-name;app.bin"];
  project.configure(GENERATOR, "-DPROJECT_VER=1.2.3", ...settings);
  expect(project.build().exitCode).toBe(0);
  expect(released()).toEqual([]);
  expect(JSON.parse(readFileSync(otherManifest, "utf8")).versions).toEqual([
    { id: "1.2.3", manifest: "versions/1.2.3/ota.json", label: 'Beta; the "second"' },
  ]);
  expect(Object.keys(project.releases())).toContain(join(project.folder, "ota", "versions", "1.2.3", "app.bin"));
});

cmakeTest(`TINYBMS_OTA_UPDATE_MANIFEST=OFF leaves the manifest, and TINYBMS_OTA=OFF everything${WHY}`, () => {
  project.installCommand();
  project.configure(GENERATOR, "-DPROJECT_VER=1.2.3", "-DTINYBMS_OTA=OFF");
  expect(project.build().exitCode).toBe(0);
  expect(project.takeCalls()).toEqual([]);

  project.configure(GENERATOR, "-DTINYBMS_OTA=ON", "-DTINYBMS_OTA_UPDATE_MANIFEST=OFF");
  project.build();
  expect(project.takeCalls()).toEqual([packageCall("1.2.3")]);
  expect(released()).toEqual([]);
});

cmakeTest(`TINYBMS_OTA_COMMAND is run instead of what would be found${WHY}`, () => {
  project.installCommand();
  project.configure(GENERATOR, "-DPROJECT_VER=1.2.3", "-DTINYBMS_OTA_COMMAND=cmake;-E;echo;instead:");
  expect(project.build()).toMatchObject({ exitCode: 0, output: expect.stringContaining("instead: package --binary") });
  expect(project.takeCalls()).toEqual([]);
});

cmakeTest(`a project that makes no app image is told so, and builds${WHY}`, () => {
  project.installCommand();
  project.writeCMakeLists({ project: "function(idf_build_get_property)\nendfunction()" });
  const { exitCode, output } = project.configure(GENERATOR);
  expect(exitCode).toBe(0);
  expect(output.replace(/\s+/g, " ")).toContain("tinybms-ota: this build makes no app image");
  expect(project.build().exitCode).toBe(0);

  project.writeCMakeLists({ project: "" });
  expect(project.configure(GENERATOR).output.replace(/\s+/g, " ")).toContain("no ESP-IDF project is here");
});
