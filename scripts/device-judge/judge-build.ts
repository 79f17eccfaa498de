/** Builds the judge of `components/tinybms_ota/host/judge` for each machine that it runs on. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";

const ROOT: string = join(import.meta.dirname, "..", "..");
const COMPONENT: string = join(ROOT, "components", "tinybms_ota");
const JUDGE: string = join(COMPONENT, "host", "judge");

/** Built judges, by the hash of their sources and flags. */
const CACHE: string = join(ROOT, ".cache", "device-c");

const WARNINGS: readonly string[] = ["-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow"];

/** Flags of judges that link no C library. */
const FREESTANDING: readonly string[] = [
  ...["-Os", "-ffreestanding", "-fno-builtin", "-fno-tree-loop-distribute-patterns", "-nostdlib"],
  ...["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections,--no-relax,--no-warn-rwx-segments"],
  ...["-isystem", join(COMPONENT, "wasm", "libc")],
];

/** Functions of string.h for judges that link no C library. */
const STRINGS: readonly string[] = ["freestanding.c", join("..", "..", "wasm", "libc", "string.c")];

const RV32: readonly string[] = ["-march=rv32imac", "-mabi=ilp32", ...FREESTANDING];

/** How the judge is built for a machine, and run. */
interface JudgeTarget {
  readonly compiler: string;
  readonly flags: readonly string[];
  /** Files of the judge beside `judge.c`. */
  readonly files: readonly string[];
  /** Emulator and its parameters; the path of the judge follows. */
  readonly emulator: readonly string[];
}

/** Machines that the judge is built for. */
export const JUDGE_TARGETS = {
  native: {
    compiler: "clang-19",
    flags: [
      ...["-D_GNU_SOURCE", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
      "-fno-omit-frame-pointer",
    ],
    files: ["platform_posix.c"],
    emulator: [],
  },
  coverage: {
    compiler: "clang-19",
    flags: ["-D_GNU_SOURCE", "-O1", "-fprofile-instr-generate", "-fcoverage-mapping"],
    files: ["platform_posix.c"],
    emulator: [],
  },
  rv32imac: {
    compiler: "riscv64-unknown-elf-gcc",
    flags: RV32,
    files: [...STRINGS, "platform_linux.c"],
    emulator: ["qemu-riscv32"],
  },
  // Counts instructions. It reads and writes files in the folder in which it runs.
  bare: {
    compiler: "riscv64-unknown-elf-gcc",
    flags: [...RV32, "-mcmodel=medany", "-Wl,--section-start=.init=0x80000000,-Ttext=0x80001000"],
    files: [...STRINGS, "platform_semihosting.c"],
    emulator: [
      ...["qemu-system-riscv32", "-M", "virt", "-bios", "none", "-display", "none", "-semihosting"],
      ...["-icount", "shift=0", "-kernel"],
    ],
  },
  xtensa: {
    compiler: "xtensa-lx106-elf-gcc",
    flags: FREESTANDING,
    files: [...STRINGS, "platform_linux.c", "lx106_arithmetic.c"],
    emulator: ["qemu-xtensa", "-cpu", "lx106"],
  },
} as const satisfies Readonly<Record<string, JudgeTarget>>;

/** Name of a machine that the judge is built for. */
export type JudgeTargetName = keyof typeof JUDGE_TARGETS;

/** Returns the programs that a judge needs and this machine lacks. */
export function missingTools(name: JudgeTargetName): readonly string[] {
  const { compiler, emulator } = JUDGE_TARGETS[name];
  return [compiler, ...emulator.slice(0, 1)].filter((tool) => spawnSync(tool, ["--version"]).status !== 0);
}

/**
 * Builds the judge, once for each state of its sources.
 *
 * @returns Command that runs it.
 * @throws Error with what the compiler printed.
 */
export function buildJudge(name: JudgeTargetName): readonly string[] {
  const { compiler, flags, files, emulator } = JUDGE_TARGETS[name];
  const sources = globSync(["src/codec/*.c", "src/core/*.c"], { cwd: COMPONENT }).sort();
  const parameters = [
    ...["-std=c11", ...WARNINGS, ...flags, `-I${join(COMPONENT, "include")}`, `-I${join(COMPONENT, "src")}`],
    ...sources.map((file) => join(COMPONENT, file)),
    ...["judge.c", ...files].map((file) => join(JUDGE, file)),
    ...(compiler === "clang-19" ? [] : ["-lgcc"]),
  ];
  const program = join(CACHE, `judge-${name}-${hashOf([compiler, ...parameters])}`);
  if (!existsSync(program)) {
    mkdirSync(CACHE, { recursive: true });
    const draft = `${program}-${process.pid}`;
    const { status, stderr } = spawnSync(compiler, [...parameters, "-o", draft], { encoding: "utf8" });
    if (status !== 0) throw new Error(`${compiler} failed:\n${stderr}`);
    renameSync(draft, program);
  }
  return [...emulator, program];
}

function hashOf(parameters: readonly string[]): string {
  const hash = createHash("sha256").update(parameters.join("\n"));
  const files = globSync(["{include,src,host/judge,wasm/libc}/**/*.{c,h}"], { cwd: COMPONENT }).sort();
  for (const file of files) hash.update(file).update(readFileSync(join(COMPONENT, file)));
  return hash.digest("hex").slice(0, 16);
}
