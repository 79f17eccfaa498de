import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildNvsPartition, encryptNvsPartition, type NvsEntryInput, readNvsPartition } from "@tinybms/ota-core/esp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { csvFinding } from "../src/csv-finding.ts";
import { runCli } from "../src/generator-cli.ts";
import { generateNvsPartition } from "../src/index.ts";
import { environmentFolder } from "../src/private-environment.ts";

const COMMAND = fileURLToPath(new URL("../src/bin/esp-idf-nvs-partition-gen.ts", import.meta.url));
/** The Python tool as someone installs it by hand. */
const BY_HAND = fileURLToPath(new URL("../../../.tools/python/", import.meta.url));
const PYTHON = join(BY_HAND, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
const hasNone = !existsSync(join(BY_HAND, "requirements.sha256")) || process.platform === "win32";
const NEEDS = hasNone ? " (skipped: run node scripts/python-tools.ts, on a POSIX system)" : "";

const CSV = "key,type,encoding,value\ndevice,namespace,,\nid,data,string,bms-7\ncells,data,u8,16\n";

let work = "";
let nowhere = "";
let cache = "";
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "tinybms nvs $(id) "));
  for (const name of ["nowhere", "cache", "bin"]) mkdirSync(join(work, name));
  nowhere = join(work, "nowhere");
  cache = join(work, "cache");
  writeFileSync(join(work, "in.csv"), CSV);
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment of a machine with Python and no ESP-IDF, with a cache folder of its own. */
function environment(changes: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { IDF_PATH: _path, IDF_PYTHON_ENV_PATH: _environment, ...env } = process.env;
  return { ...env, NO_COLOR: "1", COLUMNS: "100", XDG_CACHE_HOME: cache, ...changes };
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(program, args, { cwd: work, env }, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

const command = (args: readonly string[], env = environment()) =>
  run(process.execPath, ["--conditions=@tinybms/source", "--no-warnings", COMMAND, ...args], env);
/** The command without a process of its own, where the generator prints nothing. */
async function within(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const written = { stdout: "", stderr: "" };
  const stdout = { write: (text: string) => (written.stdout += text) };
  const stderr = { write: (text: string) => (written.stderr += text) };
  const exitCode = await runCli(args, { stdout, stderr, env, cwd: work, signal: new AbortController().signal });
  return { exitCode, ...written };
}
const byHand = (args: readonly string[]) => run(PYTHON, ["-m", "esp_idf_nvs_partition_gen", ...args], environment());
const bytesOf = (file: string) => readFileSync(join(work, file));

function executable(name: string, script: string): string {
  const file = join(work, "bin", name);
  writeFileSync(file, script);
  chmodSync(file, 0o755);
  return file;
}

/** A script that prints its arguments as JSON and ends with 7. */
const echo = (name: string): string =>
  executable(
    name,
    `#!${process.execPath}\nconsole.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 7;\n`,
  );

/** What of uv is used, by venv and pip. */
const UV_OF_PYTHON = `#!/bin/sh
for last; do :; done
case "$1 $5" in
  "--version ") ;;
  "venv >=3.10") exec python3 -m venv --without-pip "$last" ;;
  "pip --python") python=$6; shift 6; exec python3 -m pip --python "$python" install --quiet "$@" ;;
  *) exit 64 ;;
esac
`;

const OFFLINE = { PIP_NO_INDEX: "1", PIP_INDEX_URL: "http://127.0.0.1:1/", PIP_FIND_LINKS: "", UV_OFFLINE: "1" };

test.skipIf(hasNone)(
  `two first runs at once set one environment up, later ones need neither network nor Python on the path, and a torn one is repaired${NEEDS}`,
  async () => {
    // A uv that fails is noticed, and Python's own venv does it.
    executable("uv", `#!/bin/sh\necho "$@" >> '${work}/uv.log'\n[ "$1" = --version ]\n`);
    const withUv = environment({ PATH: `${join(work, "bin")}${delimiter}${process.env.PATH}` });
    // What a process left that was killed while it set it up.
    mkdirSync(join(`${environmentFolder(withUv)}.new`, "lib"), { recursive: true });
    const generate = (output: string) => ["generate", "in.csv", output, "0x4000"];
    const first = await Promise.all([
      command(["--verbose", ...generate("a.bin")], withUv),
      command(["--verbose", ...generate("b.bin")], withUv),
    ]);
    expect(
      first.map(({ exitCode }) => exitCode),
      first[0]?.stderr + first[1]!.stderr,
    ).toEqual([0, 0]);
    const all = first.map(({ stderr }) => stderr).join("");
    expect(all.match(/sets Espressif's generator up in .* with venv/g)?.length).toBe(1);
    expect(all).toMatch(/waits for process \d+/);
    expect(all.match(/uses the private environment/g)?.length).toBe(2);
    expect(readFileSync(join(work, "uv.log"), "utf8")).toMatch(/^venv .*--python >=3\.10/m);
    const folder = join(cache, "esp-idf-nvs-partition-gen");
    expect(readdirSync(folder).length, "nothing is left beside it").toBe(1);

    // The same bytes, words and exit codes as the tool's own, without network and without Python on the path.
    const offline = environment({ ...OFFLINE, PATH: nowhere });
    for (const args of [
      generate("c.bin"),
      ["generate", "in.csv", "c.bin", "0x4001"],
      ["generate", "in.csv"],
      ["--help"],
    ]) {
      const wanted = await byHand(args);
      const bytes = existsSync(join(work, "c.bin")) ? bytesOf("c.bin") : undefined;
      rmSync(join(work, "c.bin"), { force: true });
      const found = await command(args, offline);
      expect([found.exitCode, found.stdout], args.join(" ")).toEqual([wanted.exitCode, wanted.stdout]);
      expect(found.stderr, args.join(" ")).toContain(wanted.stderr);
      if (bytes !== undefined) expect(bytesOf("c.bin").equals(bytes), args.join(" ")).toBe(true);
      rmSync(join(work, "c.bin"), { force: true });
    }
    expect(bytesOf("a.bin").equals(bytesOf("b.bin"))).toBe(true);
    expect((await within(["--version"], offline)).stdout).toBe("esp-idf-nvs-partition-gen 0.3.0\n");

    // A file that is gone: without Python it can't be repaired, and with one it is.
    const [name = ""] = readdirSync(folder);
    const packages = readdirSync(join(folder, name, "lib")).map((python) => join(folder, name, "lib", python));
    const victim = join(packages[0]!, "site-packages", "click", "core.py");
    rmSync(victim);
    const torn = await within(generate("d.bin"), offline);
    expect([torn.exitCode, torn.stderr]).toEqual([1, expect.stringContaining("neither uv nor a Python")]);
    // A uv in the place of the real one, which only has to be called right.
    executable("uv", UV_OF_PYTHON);
    const repaired = await command(["--verbose", ...generate("d.bin")], withUv);
    expect([repaired.exitCode, repaired.stderr]).toEqual([0, expect.stringMatching(/generator up in .* with uv:/)]);
    rmSync(join(work, "bin", "uv"));
    expect(existsSync(victim)).toBe(true);
    expect(bytesOf("d.bin").equals(bytesOf("a.bin"))).toBe(true);
  },
);

test("without Python and without uv one message says what to install", async () => {
  const env = environment({ PATH: nowhere, XDG_CACHE_HOME: join(work, "empty") });
  const { exitCode, stdout, stderr } = await within(["generate", "in.csv", "x.bin", "0x3000"], env);
  expect([exitCode, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(
    /can't be started: neither uv nor a Python with venv is installed\n.*install Python 3\.10 or newer/,
  );
  expect(stderr.trim().split("\n").length).toBe(2);
});

test.skipIf(hasNone)(`an active ESP-IDF environment comes first, and nothing is set up${NEEDS}`, async () => {
  const env = environment({ IDF_PYTHON_ENV_PATH: BY_HAND, XDG_CACHE_HOME: join(work, "unused") });
  const { exitCode, stderr } = await command(["--verbose", "generate", "in.csv", "idf.bin", "0x3000"], env);
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining(`uses the ESP-IDF environment of ${PYTHON}`)]);
  expect(existsSync(join(work, "unused"))).toBe(false);
});

test.skipIf(hasNone)(`the script of an ESP-IDF that has no package yet is run as it is${NEEDS}`, async () => {
  const folder = join(work, "idf", "components", "nvs_flash", "nvs_partition_generator");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "nvs_partition_gen.py"), "import sys; print(sys.argv[1:]); sys.exit(5)\n");
  // A Python with cryptography, and without the generator: the module is hidden from it.
  executable("python3", `#!/bin/sh\ncase "$2" in *find_spec*) exit 1;; esac\nexec "${PYTHON}" "$@"\n`);
  const env = environment({ IDF_PATH: join(work, "idf"), PATH: `${join(work, "bin")}${delimiter}${process.env.PATH}` });
  const { exitCode, stdout } = await command(["generate", "a b", "c"], env);
  expect([exitCode, stdout]).toEqual([5, "['generate', 'a b', 'c']\n"]);
  rmSync(join(work, "bin", "python3"));
});

test.skipIf(hasNone)(`--python comes before ESP-IDF${NEEDS}`, async () => {
  const env = environment({ IDF_PYTHON_ENV_PATH: "/nowhere" });
  const { exitCode, stderr } = await within(["--verbose", `--python=${PYTHON}`, "--version"], env);
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining(`uses the Python ${PYTHON}`)]);
});

test.skipIf(process.platform === "win32")(
  "what ESP_IDF_NVS_PARTITION_GEN names gets every argument as it is",
  async () => {
    const env = environment({ ESP_IDF_NVS_PARTITION_GEN: echo("generator with blanks") });
    const args = [
      "generate",
      "a b.csv",
      '"quoted"',
      "$(touch x)",
      "`id`",
      "; rm -rf .",
      "*",
      "",
      "ä",
      "--verbose",
      "%PATH%",
    ];
    const { exitCode, stdout } = await command(args, env);
    expect([exitCode, JSON.parse(stdout)]).toEqual([7, args]);
  },
);

test.skipIf(process.platform === "win32")("a signal goes to the generator, which decides how it ends", async () => {
  const trap = `#!${process.execPath}\nprocess.on("SIGTERM", () => process.exit(9)); setInterval(() => undefined, 1e6);\nconsole.log("ready");\n`;
  const env = environment({ ESP_IDF_NVS_PARTITION_GEN: executable("trap", trap) });
  const child = spawn(process.execPath, ["--conditions=@tinybms/source", COMMAND, "decrypt"], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  await once(child.stdout, "data");
  child.kill("SIGTERM");
  expect(await ended).toEqual([9, null]);
});

test("wrong settings are named", async () => {
  const named = await within(["--help"], environment({ ESP_IDF_NVS_PARTITION_GEN: "/nowhere/gen.py" }));
  expect([named.exitCode, named.stderr]).toEqual([
    1,
    expect.stringContaining("names /nowhere/gen.py, which does not exist"),
  ]);
  const python = await within(["--python", "/nowhere/python", "--help"], environment());
  expect([python.exitCode, python.stderr]).toEqual([
    1,
    expect.stringContaining("/nowhere/python neither has the generator"),
  ]);
  expect((await within(["--python"], environment())).exitCode).toBe(2);
});

test.for([
  [`${CSV}cells,data,u8,17\n`, "0x3000", "line 5, column key: cells occurs twice"],
  [
    CSV.replace("16", "256"),
    "0x3000",
    "line 4, column value: it is out of range: a u8 is a whole number from 0 to 255",
  ],
  [CSV.replace("cells", "cells-per-module"), "0x3000", "line 4, column key: it has 16 characters"],
  [`${CSV}logo,file,binary,logo.bin\n`, "0x3000", 'line 5, column value: the file "logo.bin" can\'t be read'],
  [`\uFEFF${CSV}`, "0x3000", "byte-order mark"],
  [Buffer.from(`${CSV}place,data,string,M\u00fcnchen\n`, "latin1"), "0x3000", "line 5: it is no valid UTF-8"],
  [CSV, "0x3001", "must be a multiple of 4096"],
  [`${CSV}big,data,blob_fill(9000;0x00),\n`, "0x2000", "needs a partition of 0x4000 bytes"],
] as const)("a fault of the CSV or the size is told before the generator is started: %#", ([csv, size, finding]) => {
  writeFileSync(join(work, "bad.csv"), csv);
  const args = ["generate", "--outdir", "elsewhere", "bad.csv", "x.bin", size, "--version=2"];
  expect(csvFinding(args, work)).toMatch(/^bad\.csv: /);
  expect(csvFinding(args, work)).toContain(finding);
});

test("nothing is told of other commands, of several files, and of a CSV that is right", () => {
  for (const args of [
    ["generate", "in.csv", "x.bin", "0x3000"],
    ["generate", "in.csv", "in.csv", "x.bin", "0x3000"],
    ["decrypt", "in.csv", "k", "x"],
    ["encrypt"],
    [],
  ]) {
    expect(csvFinding(args, work)).toBe(undefined);
  }
});

test.skipIf(process.platform === "win32")("whatever is told, the generator decides", async () => {
  writeFileSync(join(work, "bad.csv"), `${CSV}cells,data,u8,17\n`);
  const env = environment({ ESP_IDF_NVS_PARTITION_GEN: echo("generator") });
  const { exitCode, stderr } = await command(["generate", "bad.csv", "x.bin", "0x3000"], env);
  expect([exitCode, stderr]).toEqual([7, expect.stringContaining("bad.csv: line 5, column key: cells occurs twice")]);
});

const ENTRIES: readonly NvsEntryInput[] = [
  { namespace: "device", key: "id", type: "string", value: 'bms-7, "north"' },
  { namespace: "device", key: "serial", type: "u64", value: 2n ** 63n },
  { namespace: "tls", key: "key", type: "blob", value: Uint8Array.from({ length: 9000 }, (_, index) => index & 255) },
];

test.skipIf(hasNone)(`generateNvsPartition gives the bytes of our own writer, encrypted too${NEEDS}`, async () => {
  const options = { sizeBytes: 0x5000, python: PYTHON };
  const plain = buildNvsPartition(ENTRIES, { sizeBytes: 0x5000 });
  expect(await generateNvsPartition({ entries: ENTRIES, ...options })).toEqual(plain);
  expect(await generateNvsPartition({ csv: `\uFEFF\r\n${CSV}`, ...options, version: 1 })).toSatisfy(
    (bytes: Uint8Array) => readNvsPartition(bytes).version === 1,
  );
  const encryption = { encryptionKey: new Uint8Array(32).fill(7), tweakKey: new Uint8Array(32).fill(9) };
  const encrypted = await generateNvsPartition({ entries: ENTRIES, ...options, encryption });
  expect(encrypted).toEqual(encryptNvsPartition(plain, encryption));
});

test("generateNvsPartition refuses bad content before any Python is started", async () => {
  const env = environment({ PATH: nowhere, XDG_CACHE_HOME: join(work, "empty") });
  const refused = (options: { csv: string } | { entries: readonly NvsEntryInput[] }) =>
    generateNvsPartition({ sizeBytes: 0x3000, env, ...options });
  await expect(refused({ csv: `${CSV}cells,data,u8,x\n` })).rejects.toMatchObject({
    code: "nvs/csv-invalid",
    details: { line: 5, column: "value" },
  });
  await expect(refused({ entries: ENTRIES })).rejects.toMatchObject({
    code: "nvs/size-invalid",
    details: { sizeBytes: 0x3000, neededBytes: 0x4000 },
  });
  await expect(refused({ csv: CSV })).rejects.toMatchObject({ code: "nvs/generator-missing" });
});

test.skipIf(hasNone)(`setting up stops when it is aborted, and leaves nothing${NEEDS}`, async () => {
  const controller = new AbortController();
  const env = environment({ XDG_CACHE_HOME: join(work, "aborted") });
  const onProgress = () => setImmediate(() => controller.abort("enough"));
  const { signal } = controller;
  await expect(generateNvsPartition({ csv: CSV, sizeBytes: 0x3000, env, signal, onProgress })).rejects.toBe("enough");
  expect(readdirSync(join(work, "aborted", "esp-idf-nvs-partition-gen"))).toEqual([]);
});
