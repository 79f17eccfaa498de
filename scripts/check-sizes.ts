// Compiles the device component for a RISC-V ESP32 (rv32imc, -Os) and checks text, RAM and stack frames against their
// budgets, and the instructions of a chunk in QEMU. `--write` puts the table into docs/device.md. Needs clang 19 and
// lld 19; for instructions, the RISC-V compiler and QEMU as well.
import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { instructionsPerChunk } from "./device-instructions.ts";

const COMPONENT = join(import.meta.dirname, "..", "components", "tinybms_ota");
const PAGE = join(import.meta.dirname, "..", "docs", "device.md");
const [BEGIN, END] = ["<!-- sizes -->", "<!-- /sizes -->"];

const COMPILER = "clang-19";
const FLAGS = [
  "--target=riscv32-unknown-elf",
  "-march=rv32imc",
  "-mabi=ilp32",
  "-std=c11",
  "-Os",
  "-ffreestanding",
  "-ffunction-sections",
  "-fdata-sections",
  "-isystem",
  join(COMPONENT, "wasm", "libc"),
  `-I${join(COMPONENT, "include")}`,
  `-I${join(COMPONENT, "src")}`,
];

/** Slots whose RAM is checked: their size and the budget, in bytes. */
const RAM_BUDGETS = [
  { name: "4 MiB", slot: 4 * 1024 * 1024, budget: 24 * 1024 },
  { name: "1.9 MiB", slot: 1_992_294, budget: 15 * 1024 },
] as const;

/** Entry of the texts that several files share, in place of a file. */
const STRINGS = "strings";

/** Largest stack frame in bytes. */
const FRAME_BUDGET = 512;

/**
 * Largest text and constants of codecs and machine, in bytes: a guard against growth at what they need today. The goal is
 * 26 KiB with the ESP-IDF port.
 */
const TEXT_BUDGET = 36 * 1024;

/** Most instructions for a chunk without SHA-256: a guard at what it takes today. The goal is 3 000. */
const INSTRUCTIONS_BUDGET = 8_500;

/** What the component costs on a device. */
interface Sizes {
  /** Instructions for a chunk; `undefined` if nothing here can count them. */
  readonly instructions: number | undefined;
  /** Bytes of code and constants, by source file. */
  readonly text: ReadonlyMap<string, number>;
  /** Bytes of the largest stack frame, and its function. */
  readonly frame: { readonly bytes: number; readonly name: string };
  /** Bytes of RAM for each of {@link RAM_BUDGETS}. */
  readonly ram: readonly number[];
}

/** Compiles the component and measures it. */
async function measure(folder: string): Promise<Sizes> {
  const sources = globSync(["src/codec/*.c", "src/core/*.c"], { cwd: COMPONENT }).sort();
  const frames: { bytes: number; name: string }[] = [];
  const objects = sources.map((source) => {
    const object = join(folder, source.replace("/codec/", "/codec-").replace("/core/", "/core-").replace(".c", ".o"));
    mkdirSync(join(folder, "src"), { recursive: true });
    compile(["-fstack-usage", "-c", join(COMPONENT, source), "-o", object]);
    frames.push(...readFrames(readFileSync(object.replace(/o$/, "su"), "utf8")));
    return object;
  });
  const largest = frames.reduce((left, right) => (right.bytes > left.bytes ? right : left));
  const ram = RAM_BUDGETS.map(({ slot }) => ramOf(folder, slot));
  return { text: link(folder, objects), frame: largest, ram, instructions: await instructionsPerChunk() };
}

/** Parses what `-fstack-usage` wrote. */
function readFrames(text: string): readonly { bytes: number; name: string }[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [place = "", bytes = "0"] = line.split("\t");
      return { bytes: Number(bytes), name: basename(place).replace(/:\d+:/, ":") };
    });
}

/** Links everything that the public functions need, and returns bytes by source file. */
function link(folder: string, objects: readonly string[]): ReadonlyMap<string, number> {
  const header = readFileSync(join(COMPONENT, "include", "tinybms_ota.h"), "utf8");
  const roots = [...header.matchAll(/^[a-z][a-z0-9_ ]*\*?\b(tbo_[a-z_]+)\(/gm)].map(([, name]) => `-Wl,-u,${name}`);
  const map = join(folder, "map");
  const linking = ["-nostdlib", "-fuse-ld=lld", "-Wl,--gc-sections,--unresolved-symbols=ignore-all,--entry=0"];
  compile([...linking, `-Wl,-Map=${map}`, ...roots, ...objects, "-o", join(folder, "all.elf")]);
  const sizes = new Map<string, number>();
  for (const line of readFileSync(map, "utf8").split("\n")) {
    const [, size = "", place = ""] =
      /^ *[0-9a-f]+ +[0-9a-f]+ +([0-9a-f]+) +\d+ +(\S+):\(\.s?(?:text|rodata|data|bss)/.exec(line) ?? [];
    if (place === "") continue;
    // The linker merges equal strings of all files.
    const file = place === "<internal>" ? STRINGS : basename(place, ".o");
    sizes.set(file, (sizes.get(file) ?? 0) + Number.parseInt(size, 16));
  }
  return sizes;
}

/** Returns the library's own constant for the memory of a machine. */
function ramOf(folder: string, slot: number): number {
  const source = join(folder, "ram.c");
  writeFileSync(source, `#include "tinybms_ota.h"\nchar ram[TBO_MEMORY(${slot}u)];\n`);
  compile(["-S", source, "-o", join(folder, "ram.s")]);
  const [, size] = /\.size\s+ram, (\d+)/.exec(readFileSync(join(folder, "ram.s"), "utf8")) ?? [];
  return Number(size);
}

function compile(parameters: readonly string[]): void {
  const { status, stderr } = spawnSync(COMPILER, [...FLAGS, ...parameters], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${COMPILER} failed: ${stderr}`);
}

/** Writes sizes as a table. */
function tableOf({ text, frame, ram, instructions }: Sizes): string {
  const sum = (layer: string): number =>
    [...text].reduce(
      (total, [file, bytes]) => total + (file.startsWith(layer) && file !== "codec-sha256" ? bytes : 0),
      0,
    );
  const row = (name: string, bytes: number, budget: string): string => `| ${name} | ${format(bytes)} | ${budget} |`;
  return [
    "| what | bytes, or instructions | budget |",
    "|---|--:|--:|",
    row("text: codecs", sum("codec-"), ""),
    row("text: state machine", sum("core-"), ""),
    row("text: strings", text.get(STRINGS) ?? 0, ""),
    row("text: SHA-256, for ports without one", text.get("codec-sha256") ?? 0, ""),
    row("text, all", total(text), format(TEXT_BUDGET)),
    ...RAM_BUDGETS.map(({ name, budget }, index) => row(`RAM for a slot of ${name}`, ram[index] ?? 0, format(budget))),
    row(`largest stack frame (\`${frame.name}\`)`, frame.bytes, format(FRAME_BUDGET)),
    ...(instructions === undefined
      ? []
      : [row("instructions for a chunk, without SHA-256", instructions, format(INSTRUCTIONS_BUDGET))]),
  ].join("\n");
}

function total(text: ReadonlyMap<string, number>): number {
  return [...text.values()].reduce((sum, bytes) => sum + bytes, 0);
}

function format(bytes: number): string {
  return String(bytes).replace(/\B(?=(\d{3})+$)/g, " ");
}

/** Returns what exceeds its budget. */
function excessOf({ text, frame, ram, instructions }: Sizes): readonly string[] {
  const checks = [
    { name: "text", bytes: total(text), budget: TEXT_BUDGET },
    { name: `stack frame of ${frame.name}`, bytes: frame.bytes, budget: FRAME_BUDGET },
    ...RAM_BUDGETS.map(({ name, budget }, index) => ({ name: `RAM for ${name}`, bytes: ram[index] ?? 0, budget })),
    ...(instructions === undefined
      ? []
      : [{ name: "instructions for a chunk", bytes: instructions, budget: INSTRUCTIONS_BUDGET }]),
  ];
  return checks
    .filter(({ bytes, budget }) => !(bytes > 0 && bytes <= budget))
    .map(({ name, bytes, budget }) => `${name}: ${bytes}, at most ${budget}`);
}

/** Measures the component in a folder, and reports or writes the table. */
async function main(folder: string): Promise<void> {
  const sizes = await measure(folder);
  if (sizes.instructions === undefined)
    process.stdout.write("instructions not counted: see scripts/system-tools.txt\n");
  const table = tableOf(sizes);
  process.stdout.write(`${table}\n`);
  if (process.argv.includes("--write")) {
    const page = readFileSync(PAGE, "utf8");
    const [start, end] = [page.indexOf(BEGIN), page.indexOf(END)];
    if (start === -1 || end < start) throw new Error(`docs/device.md has no ${BEGIN} before ${END}`);
    writeFileSync(PAGE, `${page.slice(0, start + BEGIN.length)}\n\n${table}\n\n${page.slice(end)}`);
  }
  const excess = excessOf(sizes);
  if (excess.length > 0) throw new Error(`over budget: ${excess.join("; ")}`);
}

if (spawnSync(COMPILER, ["--version"]).status === 0) {
  const folder = mkdtempSync(join(tmpdir(), "tinybms-sizes-"));
  try {
    await main(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
} else {
  process.stdout.write(`not checked: ${COMPILER} is not installed\n`);
}
