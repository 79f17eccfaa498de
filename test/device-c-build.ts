import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

const ROOT: string = join(import.meta.dirname, "..");

/** Folder of the device component. */
const COMPONENT: string = join(ROOT, "components", "tinybms_ota");

/** The ESP-IDF port on the host: as from v6.0 on, and as before. It needs Mbed TLS as well. */
const PORTS: readonly string[] = ["port_host", "port_host_v5"];

/** Built host programs, by the hash of the sources. */
const CACHE: string = join(ROOT, ".cache", "device-c");

/** Host programs that are built together, since they share the library. */
const PROGRAMS: readonly string[] = ["verdict", "fuzz_json", "fuzz_envelope", "fuzz_events"];

/** Names under which clang may be installed. */
const CLANGS: readonly string[] = ["clang-19", "clang"];

/** The clang of this machine, if it can build host programs with sanitizers; otherwise `undefined`. */
export const clang: string | undefined = CLANGS.find(canBuild);

/**
 * Builds the host programs of the device component with AddressSanitizer and UndefinedBehaviorSanitizer, once for each
 * state of the sources.
 *
 * @param name - One of {@link PROGRAMS} or {@link PORTS}.
 * @returns Path of the program.
 */
export function hostProgram(name: string): string {
  const group = PORTS.includes(name) ? PORTS : PROGRAMS;
  const folder = join(CACHE, `${sourcesHash()}-${group[0]}`);
  if (existsSync(folder)) return join(folder, name);
  mkdirSync(CACHE, { recursive: true });
  const build = mkdtempSync(join(CACHE, "build-"));
  run("cmake", ["-S", join(COMPONENT, "host"), "-B", build, "-G", "Ninja", `-DCMAKE_C_COMPILER=${clang}`]);
  run("cmake", ["--build", build, "--target", ...group]);
  try {
    renameSync(build, folder);
  } catch {
    rmSync(build, { recursive: true }); // another test built the same
  }
  return join(folder, name);
}

function sourcesHash(): string {
  const hash = createHash("sha256");
  const files = globSync("{include,src,host}/**/*.{c,h,txt}", { cwd: COMPONENT }).sort();
  for (const file of [...files, "CMakeLists.txt"]) hash.update(file).update(readFileSync(join(COMPONENT, file)));
  return hash.digest("hex").slice(0, 16);
}

function canBuild(compiler: string): boolean {
  const options = ["-x", "c", "-", "-fsanitize=address", "-o", "/dev/null"];
  const built = spawnSync(compiler, options, { input: "int main(void) { return 0; }\n" });
  return built.status === 0 && spawnSync("ninja", ["--version"]).status === 0;
}

function run(program: string, parameters: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(program, parameters, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${parameters.join(" ")}\n${stdout}${stderr}`);
}
