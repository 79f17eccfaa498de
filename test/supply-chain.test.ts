import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string): string => readFileSync(`${ROOT}/${path}`, "utf8");
const MANIFESTS = ["package.json", ...globSync("{packages/*,firmware-sim}/package.json", { cwd: ROOT })];
const SETTINGS = read("pnpm-workspace.yaml");

test("no release younger than a week is taken, none with less provenance than the one before, none from elsewhere", () => {
  const [, minutes = "0"] = /^minimumReleaseAge: (\d+)$/m.exec(SETTINGS) ?? [];
  expect(Number(minutes)).toBeGreaterThanOrEqual(7 * 24 * 60);
  expect(SETTINGS).toMatch(/^trustPolicy: no-downgrade$/m);
  expect(SETTINGS).toMatch(/^blockExoticSubdeps: true$/m);
  expect(SETTINGS).not.toMatch(/minimumReleaseAgeExclude/);
});

test("pnpm itself is pinned, with the hash of its tarball", () => {
  expect(JSON.parse(read("package.json")).packageManager).toMatch(/^pnpm@\d+\.\d+\.\d+\+sha512\.[0-9a-f]{128}$/);
});

test("no dependency runs a script at installation but the one that brings Node.js", () => {
  const [, block = ""] = /^allowBuilds:\n((?: {2}.*\n)+)/m.exec(SETTINGS) ?? [];
  const allowed = [...block.matchAll(/^ {2}"?([@\w/-]+)"?: true$/gm)].map(([, name]) => name);
  expect(allowed).toEqual(["node"]);
  expect(SETTINGS).toMatch(/^strictDepBuilds: true$/m);
});

test("every dependency is pinned to one version, in the manifests and in the lockfile with its hash", () => {
  for (const path of MANIFESTS) {
    const manifest = JSON.parse(read(path));
    for (const kind of ["dependencies", "devDependencies", "optionalDependencies"]) {
      for (const [name, version] of Object.entries<string>(manifest[kind] ?? {})) {
        expect(version, `${path}: ${name}`).toMatch(/^(?:workspace:[\^*]|\d+\.\d+\.\d+(?:-[\w.]+)?)$/);
      }
    }
  }
  const resolutions = [...read("pnpm-lock.yaml").matchAll(/^ {4}resolution: (.*)$/gm)].map(([, it]) => it);
  expect(resolutions.length).toBeGreaterThan(100);
  for (const resolution of resolutions) expect(resolution).toMatch(/^\{integrity: sha512-[A-Za-z0-9+/=]+\}$/);
});

test("nothing of ours runs a script at a user's installation", () => {
  for (const path of MANIFESTS) {
    const { scripts = {} } = JSON.parse(read(path));
    const names = Object.keys(scripts).filter((name) => /^(?:pre|post)?install$|^prepare$/.test(name));
    expect(names, path).toEqual([]);
  }
});

test("each package is packed with an SBOM", () => {
  for (const path of MANIFESTS.slice(1)) {
    const { files, scripts } = JSON.parse(read(path));
    expect(files, path).toContain("sbom.cdx.json");
    expect(scripts.prepack, path).toMatch(/ sbom .*--sbom-format cyclonedx .*--out sbom\.cdx\.json$/);
  }
});

test("CI uses actions by their hash, with no right but to read, and no secret", () => {
  for (const path of globSync(".github/workflows/*.yml", { cwd: ROOT })) {
    const workflow = read(path);
    for (const [line] of workflow.matchAll(/uses:.*/g)) expect(line, path).toMatch(/@[0-9a-f]{40} # v\d/);
    expect(workflow, path).toMatch(/^permissions:\n {2}contents: read\n/m);
    expect(workflow, path).not.toMatch(/pull_request_target|secrets\./);
  }
});
