/**
 * Runs esptool's own test suite against simulated boards. No registry carries the suite: `ESPTOOL_TESTS` names a checkout
 * of https://github.com/espressif/esptool. Takes about seven minutes for all chips together on an idle machine.
 *
 *     ESPTOOL_TESTS=../esptool pnpm esptool-suite [CHIP...]
 *
 * The tests run in copies of the checkout, with its own esptool in a virtual environment, `.tools/esptool-suite`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { BootloaderFirmware, Efuse, listenOnRfc2217, listenOnTcp, NorFlash, SerialCable } from "@tinybms/firmware-sim";
import { type ChipName, chipByName } from "@tinybms/ota-core/esp";

const CHIPS: readonly ChipName[] = ["esp32", "esp32s3", "esp32c3", "esp32c6"];
const ENVIRONMENT = resolve(import.meta.dirname, "../.tools/esptool-suite");
const PYTHON = join(ENVIRONMENT, "bin/python");
const FLASH_SIZE = 4 * 2 ** 20;

/** What the suite needs beside the checkout. esptool up to 5.3 runs on bitstring up to 4 alone. */
const PACKAGES = ["pytest==9.2.0", "pytest-rerunfailures==16.7", "pyelftools", "requests", "bitstring<5"];

interface Exclusion {
  /** A test, or a class of tests. */
  readonly test: string;
  /** All chips without it. */
  readonly chips?: readonly ChipName[];
  readonly why: string;
}

/** What can't apply to a simulated board. */
const EXCLUSIONS: readonly Exclusion[] = [
  {
    test: "TestFlashEncryption::test_blank_efuse_encrypt_write_continue1",
    why: "compares with AES ciphertext; the simulated flash encryption is a stand-in that is not AES",
  },
  { test: "TestLoadRAM", why: "expects output of code in RAM; the simulated chip has no processor" },
  {
    test: "TestReset::test_watchdog_reset",
    chips: ["esp32s2", "esp32s3", "esp32c3"],
    why: "resets the chip by its RTC watchdog, which is not simulated",
  },
];

/** Tests that need control lines, so that they run over RFC 2217 and not over a socket. */
const NEED_CONTROL_LINES: readonly string[] = [
  "TestConfigFile::test_custom_reset_sequence",
  "TestConfigFile::test_open_port_attempts",
];

/** What one run of pytest came to. */
interface Verdict {
  readonly isRight: boolean;
  /** pytest's last line, and a line for each failure. */
  readonly lines: readonly string[];
}

const checkout = process.env.ESPTOOL_TESTS;
if (checkout === undefined || !existsSync(join(checkout, "test/test_esptool.py"))) {
  console.error("ESPTOOL_TESTS must name a checkout of https://github.com/espressif/esptool");
  process.exit(2);
}
const chosen = process.argv.slice(2);
const chips = chosen.length === 0 ? CHIPS : chosen.map((name) => chipByName(name)?.name ?? unknownChip(name));
const folder = mkdtempSync(join(tmpdir(), "tinybms-esptool-suite-"));
try {
  await install(checkout);
  const verdicts = await Promise.all(chips.map((chip) => testChip(chip, checkout)));
  for (const { test, chips: only, why } of EXCLUSIONS) console.log(`left out: ${test}${of(only)}: ${why}`);
  process.exitCode = verdicts.every((isRight) => isRight) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function of(only: readonly ChipName[] | undefined): string {
  return only === undefined ? "" : ` (${only.join(", ")})`;
}

function unknownChip(name: string): never {
  console.error(`there is no chip ${name}`);
  process.exit(2);
}

async function install(source: string): Promise<void> {
  if (!existsSync(PYTHON)) await run("python3", ["-m", "venv", ENVIRONMENT]);
  const copy = copyOf(source, "install");
  await run(PYTHON, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", copy, ...PACKAGES]);
}

/** A copy, since the tests and pip write beside what they read. */
function copyOf(source: string, name: string): string {
  const copy = join(folder, name);
  mkdirSync(copy);
  cpSync(source, copy, { recursive: true, filter: (path) => basename(path) !== ".git" });
  return copy;
}

/** @returns Whether all tests of a chip passed. */
async function testChip(chip: ChipName, source: string): Promise<boolean> {
  const tests = join(copyOf(source, chip), "test");
  const excluded = EXCLUSIONS.filter(({ chips: only }) => only?.includes(chip) ?? true).map(({ test }) => test);
  const leftOut = [...excluded, ...NEED_CONTROL_LINES].flatMap((test) => ["--deselect", nodeId(`test/`, test)]);
  const overSocket = await testOver("socket", chip, tests, ["test_esptool.py", ...leftOut]);
  const overRfc2217 = await testOver(
    "rfc2217",
    chip,
    tests,
    NEED_CONTROL_LINES.map((test) => nodeId("", test)),
  );
  for (const [scheme, { lines }] of [["socket", overSocket] as const, ["rfc2217", overRfc2217] as const]) {
    for (const line of lines) console.log(`${chip} over ${scheme}: ${line}`);
  }
  return overSocket.isRight && overRfc2217.isRight;
}

function nodeId(parent: string, test: string): string {
  return `${parent}test_esptool.py::${test}`;
}

/** Runs tests on a new board. */
async function testOver(
  scheme: "socket" | "rfc2217",
  chip: ChipName,
  cwd: string,
  tests: readonly string[],
): Promise<Verdict> {
  const facts = chipByName(chip) ?? unknownChip(chip);
  const hardware = { flash: new NorFlash(FLASH_SIZE), chip: facts, efuse: new Efuse(facts, {}) };
  const cable = new SerialCable({ hardware, firmware: new BootloaderFirmware(hardware), needsBootloader: true });
  const listen = scheme === "socket" ? listenOnTcp : listenOnRfc2217;
  const network = await listen(cable, { host: "127.0.0.1", port: 0 });
  try {
    const board = ["--port", `${scheme}://127.0.0.1:${network.port}`, "--chip", chip, "--baud", "115200"];
    const PATH = `${join(ENVIRONMENT, "bin")}:${process.env.PATH ?? ""}`;
    const pytest = spawn(PYTHON, ["-m", "pytest", "--color=no", "-q", "-rf", ...tests, ...board], {
      cwd,
      env: { ...process.env, PATH },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [output, code] = await Promise.all([text(pytest.stdout), exitCodeOf(pytest)]);
    const lines = output.trimEnd().split("\n");
    const shown = code === 0 ? lines.slice(-1) : lines.filter((line) => /^FAILED|^ERROR | in \d+\.\d+s/.test(line));
    return { isRight: code === 0, lines: shown };
  } finally {
    await network.close();
    cable.stop();
  }
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const code = await exitCodeOf(spawn(program, args, { stdio: "inherit" }));
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} failed`);
}

async function exitCodeOf(child: ChildProcess): Promise<number | null> {
  const [code] = await once(child, "exit");
  return code;
}
