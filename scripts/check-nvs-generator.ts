/** What `npx esp-idf-nvs-partition-gen` does for a user with Python 3 and no ESP-IDF, from the packed tarball. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** The Python tool as someone installs it by hand. */
const BY_HAND = resolve(import.meta.dirname, "../.tools/python/bin/python");
const CSV = "key,type,encoding,value\ndevice,namespace,,\nid,data,string,bms-7\ncert,data,hex2bin,00112233\n";

/**
 * Runs the command for the first time, again without network and without Python on the path, and where neither is: it must
 * give the bytes of the Python tool run by hand, twice, and then say what to install.
 *
 * @param node - The Node.js to run it with.
 * @param command - The installed command.
 * @param work - A folder that exists; files are left in it.
 */
export function checkNvsGenerator(node: string, command: string, work: string): void {
  if (!existsSync(BY_HAND)) throw new Error(`${BY_HAND} is missing: run \`node scripts/python-tools.ts\` first`);
  const nowhere = join(work, "nowhere");
  mkdirSync(nowhere);
  writeFileSync(join(work, "in.csv"), CSV);
  const { IDF_PATH: _idf, IDF_PYTHON_ENV_PATH: _environment, ...clean } = process.env;
  const first = { ...clean, XDG_CACHE_HOME: join(work, "cache") };
  const offline = { ...first, PATH: nowhere, PIP_NO_INDEX: "1", UV_OFFLINE: "1" };
  const run = (program: string, args: readonly string[], output: string, env: NodeJS.ProcessEnv) =>
    spawnSync(program, [...args, "generate", "in.csv", output, "0x6000"], { cwd: work, env, encoding: "utf8" });

  const wanted = run(BY_HAND, ["-m", "esp_idf_nvs_partition_gen"], "hand.bin", clean);
  if (wanted.status !== 0) throw new Error(`the Python tool by hand ended with ${wanted.status}: ${wanted.stderr}`);
  for (const [output, env] of [["first.bin", first] as const, ["offline.bin", offline] as const]) {
    const { status, stdout, stderr } = run(node, [command], output, env);
    if (status !== 0) throw new Error(`${output}: esp-idf-nvs-partition-gen ended with ${status}: ${stderr}`);
    const isSame = readFileSync(join(work, output)).equals(readFileSync(join(work, "hand.bin")));
    if (!isSame) throw new Error(`${output}: the bytes are not those of the Python tool run by hand`);
    if (stdout.replaceAll(output, "hand.bin") !== wanted.stdout) throw new Error(`${output}: it printed other words`);
  }
  const without = run(node, [command], "none.bin", { ...offline, XDG_CACHE_HOME: join(work, "empty") });
  if (without.status !== 1 || !without.stderr.includes("install Python 3.10 or newer")) {
    throw new Error(`without Python it ended with ${without.status}: ${without.stderr}`);
  }
}
