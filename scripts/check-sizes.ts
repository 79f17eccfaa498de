// Compiles the device component, with its port to ESP-IDF, for a RISC-V ESP32 (rv32imc) by two compilers, links it as a
// board does, and checks text, RAM, stack frames and the instructions of a chunk (in QEMU) against their budgets.
// `--write` puts the tables into docs/device.md.
// Needs what scripts/system-tools.txt names for it: clang 19, lld 19, GCC for RISC-V, picolibc and Mbed TLS's headers.
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { instructionsPerChunk } from "./device-instructions.ts";

const COMPONENT = join(import.meta.dirname, "..", "components", "tinybms_ota");
const PAGE = join(import.meta.dirname, "..", "docs", "device.md");
const [BEGIN, END] = ["<!-- sizes -->", "<!-- /sizes -->"];

/** A compiler, its command, and the largest text of everything that a board links, in bytes. */
interface Compiler {
  readonly name: string;
  readonly command: readonly string[];
  readonly budget: number;
}

const GCC = "riscv64-unknown-elf-gcc";
const CLANG = ["clang-19", "--target=riscv32-unknown-elf"] as const;
const COMPILERS: readonly Compiler[] = [
  { name: "GCC 12", command: [GCC], budget: 39_000 },
  { name: "clang 19", command: CLANG, budget: 42_500 },
];

/** C library whose headers the port is compiled with. */
const LIBC = "/usr/lib/picolibc/riscv64-unknown-elf/include";

const FLAGS = [
  "-march=rv32imc",
  "-mabi=ilp32",
  "-std=gnu11",
  // As the component's CMakeLists.txt does for chips with RISC-V cores.
  "-Os",
  "-msave-restore",
  "-ffreestanding",
  "-ffunction-sections",
  "-fdata-sections",
  `-I${join(COMPONENT, "include")}`,
  `-I${join(COMPONENT, "src")}`,
];

/** Flags of each folder of sources: the core needs no C library, the port needs ESP-IDF's stand-ins and PSA. */
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  codec: ["-isystem", join(COMPONENT, "wasm", "libc")],
  core: ["-isystem", join(COMPONENT, "wasm", "libc")],
  esp: [
    ...["-isystem", join(COMPONENT, "host", "esp-stubs"), "-isystem", LIBC, "-idirafter", "/usr/include"],
    "-DESP_IDF_VERSION=ESP_IDF_VERSION_VAL(6,0,0)",
  ],
};

/** Functions that the ROM of a chip has. A call of one is far, and takes eight bytes. */
const IN_ROM = /^(?:mem|str(?!to))|^__/;
/** Where the code, the ROM's functions and those of the rest of the application are, as on an ESP32-C3. */
const [FLASH, ROM, APPLICATION] = ["0x42000020", "0x40000400", "0x42080000"];

/** Slots whose RAM is checked: their size and the budget, in bytes. */
const RAM_BUDGETS = [
  { name: "4 MiB", slot: 4 * 1024 * 1024, budget: 24 * 1024 },
  { name: "1.9 MiB", slot: 1_992_294, budget: 15 * 1024 },
] as const;

/** Largest stack frame in bytes. */
const FRAME_BUDGET = 512;

/** What one compiler makes of the component. */
interface Text {
  /** Bytes of code and constants, by part. */
  readonly parts: ReadonlyMap<string, number>;
  readonly total: number;
}

/** Most instructions for a chunk without SHA-256. */
const INSTRUCTIONS_BUDGET = 3_000;

/** What the component costs on a device. */
interface Sizes {
  /** Instructions for a chunk; `undefined` if nothing here can count them. */
  readonly instructions: number | undefined;
  /** For each of {@link COMPILERS}. */
  readonly text: readonly Text[];
  /** Bytes of the largest stack frame of the core, and its function. */
  readonly frame: { readonly bytes: number; readonly name: string };
  /** Bytes of RAM for each of {@link RAM_BUDGETS}. */
  readonly ram: readonly number[];
}

/** Compiles the component and measures it. */
async function measure(folder: string): Promise<Sizes> {
  const frames: { bytes: number; name: string }[] = [];
  const text = COMPILERS.map(({ command }, index) => {
    const objects = Object.entries(FOLDERS).flatMap(([part, flags]) =>
      globSync(join(COMPONENT, "src", part, "*.c"))
        .sort()
        .map((source) => {
          const object = join(folder, `${index}-${part}-${basename(source, ".c")}.o`);
          run(command, [...FLAGS, ...flags, "-fstack-usage", "-c", source, "-o", object]);
          if (part !== "esp") frames.push(...readFrames(readFileSync(object.replace(/o$/, "su"), "utf8")));
          return object;
        }),
    );
    return link(folder, objects);
  });
  const largest = frames.reduce((left, right) => (right.bytes > left.bytes ? right : left));
  const ram = RAM_BUDGETS.map(({ slot }) => ramOf(folder, slot));
  return { text, frame: largest, ram, instructions: await instructionsPerChunk() };
}

/** Parses what `-fstack-usage` wrote. */
function readFrames(text: string): readonly { bytes: number; name: string }[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [place = "", bytes = "0"] = line.split("\t");
      return { bytes: Number(bytes), name: basename(place).replace(/(?::\d+)+:/, ":") };
    });
}

/** Links what the functions of `esp_tinybms_ota.h` need, and returns bytes by part. */
function link(folder: string, objects: readonly string[]): Text {
  const header = readFileSync(join(COMPONENT, "include", "esp_tinybms_ota.h"), "utf8");
  const roots = [...header.matchAll(/\b(tinybms_ota_[a-z_]+)\(/g)].map(([, name]) => `-Wl,-u,${name}`);
  const map = join(folder, "map");
  const libgcc = run([GCC], [...FLAGS, "-print-libgcc-file-name"]).trim();
  const places = undefinedIn(objects).map((name) => `-Wl,--defsym=${name}=${IN_ROM.test(name) ? ROM : APPLICATION}`);
  run(CLANG, [
    ...["-march=rv32imc", "-mabi=ilp32", "-nostdlib", "-fuse-ld=lld", "-Wl,--gc-sections,--entry=0"],
    ...[`-Wl,-Ttext=${FLASH}`, `-Wl,-Map=${map}`, ...roots, ...places, ...objects, libgcc],
    ...["-o", join(folder, "all.elf")],
  ]);
  const parts = new Map<string, number>();
  for (const line of readFileSync(map, "utf8").split("\n")) {
    const [, size = "", place = ""] =
      /^ *[0-9a-f]+ +[0-9a-f]+ +([0-9a-f]+) +\d+ +(\S+?):\(\.s?(?:text|rodata|data|bss)/.exec(line) ?? [];
    if (place === "") continue;
    const part = /\d-(codec|core|esp)-[^/]*\.o$/.exec(place)?.[1] ?? (place === "<internal>" ? "strings" : "compiler");
    parts.set(part, (parts.get(part) ?? 0) + Number.parseInt(size, 16));
  }
  return { parts, total: [...parts.values()].reduce((sum, bytes) => sum + bytes, 0) };
}

/** Returns the functions that the objects call and do not have, without the compiler's own. */
function undefinedIn(objects: readonly string[]): readonly string[] {
  const symbols = run(["riscv64-unknown-elf-nm"], ["-P", "-A", ...objects])
    .split("\n")
    .map((line) => line.split(" ").slice(1));
  const defined = new Set(symbols.filter(([, type]) => type !== "U").map(([name]) => name));
  const used = symbols
    .filter(([name, type]) => type === "U" && !name?.startsWith("__riscv_"))
    .map(([name = ""]) => name);
  return [...new Set(used)].filter((name) => !defined.has(name)).sort();
}

/** Returns the library's own constant for the memory of a machine. */
function ramOf(folder: string, slot: number): number {
  const source = join(folder, "ram.c");
  writeFileSync(source, `#include "tinybms_ota.h"\nchar ram[TBO_MEMORY(${slot}u)];\n`);
  run(CLANG, [...FLAGS, "-S", source, "-o", join(folder, "ram.s")]);
  const [, size] = /\.size\s+ram, (\d+)/.exec(readFileSync(join(folder, "ram.s"), "utf8")) ?? [];
  return Number(size);
}

/** Runs a program and returns what it printed. */
function run([command = "", ...first]: readonly string[], parameters: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, [...first, ...parameters], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} failed: ${stderr}`);
  return stdout;
}

/** Writes sizes as a table. */
function tableOf({ text, frame, ram, instructions }: Sizes): string {
  const row = (name: string, values: readonly string[]): string => `| ${[name, ...values].join(" | ")} |`;
  const part = (name: string, key: string): string =>
    row(
      name,
      text.map(({ parts }) => format(parts.get(key) ?? 0)),
    );
  return [
    row(
      "text by",
      COMPILERS.map(({ name }) => name),
    ),
    "|---|--:|--:|",
    part("codecs", "codec"),
    part("state machine", "core"),
    part("port to ESP-IDF", "esp"),
    part("strings of all", "strings"),
    part("the compiler's own functions", "compiler"),
    row(
      "**all**",
      text.map(({ total }) => `**${format(total)}**`),
    ),
    row(
      "budget",
      COMPILERS.map(({ budget }) => format(budget)),
    ),
    "",
    "| what | bytes, or instructions | budget |",
    "|---|--:|--:|",
    ...RAM_BUDGETS.map(({ name, budget }, index) =>
      row(`RAM for a slot of ${name}`, [format(ram[index] ?? 0), format(budget)]),
    ),
    row(`largest stack frame (\`${frame.name}\`)`, [format(frame.bytes), format(FRAME_BUDGET)]),
    ...(instructions === undefined
      ? []
      : [row("instructions for a chunk, without SHA-256", [format(instructions), format(INSTRUCTIONS_BUDGET)])]),
  ].join("\n");
}

function format(bytes: number): string {
  return String(bytes).replace(/\B(?=(\d{3})+$)/g, " ");
}

/** Returns what exceeds its budget. */
function excessOf({ text, frame, ram, instructions }: Sizes): readonly string[] {
  const checks = [
    ...COMPILERS.map(({ name, budget }, index) => ({
      name: `text by ${name}`,
      bytes: text[index]?.total ?? 0,
      budget,
    })),
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

const missing = [CLANG[0], GCC].filter((command) => spawnSync(command, ["--version"]).status !== 0);
if (!existsSync(LIBC)) missing.push("picolibc");
if (!existsSync("/usr/include/psa/crypto.h")) missing.push("libmbedtls-dev");
if (missing.length === 0) {
  const folder = mkdtempSync(join(tmpdir(), "tinybms-sizes-"));
  try {
    await main(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
} else {
  process.stdout.write(`not checked: ${missing.join(", ")} is not installed\n`);
}
