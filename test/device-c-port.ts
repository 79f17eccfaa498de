import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { clang, hostProgram } from "./device-c-build.ts";

/** The port as ESP-IDF from v6.0 on builds it, or as releases before do. */
export type PortBuild = "port_host" | "port_host_v5";

/** Whether the port can be built: clang and the headers of Mbed TLS (`libmbedtls-dev`) are there. */
export const canBuildPort: boolean = clang !== undefined && hasMbedTls(clang);

function hasMbedTls(compiler: string): boolean {
  const input = "#include <mbedtls/pk.h>\n#include <psa/crypto.h>\n";
  return spawnSync(compiler, ["-x", "c", "-fsyntax-only", "-"], { input }).status === 0;
}

/** Builds the port before the tests, so that none of them waits for the compiler. */
export function buildPort(...builds: readonly PortBuild[]): void {
  for (const build of builds) hostProgram(build);
}

/** What a run of the port on the host left. */
export interface PortRun {
  /** Standard output, without the lines `ok`. */
  readonly lines: readonly string[];
  readonly flash: Uint8Array;
}

/**
 * Runs the ESP-IDF port on the host for one start of a device.
 *
 * @param flash - Flash image with a partition table at 0x8000.
 * @param running - Label of the partition that runs.
 * @param commands - Commands of `host/port_host.c`, one a line.
 * @throws Error if the program fails, or a command does.
 */
export function runPort(
  flash: Uint8Array,
  running: string,
  commands: readonly string[],
  build: PortBuild = "port_host",
): PortRun {
  const folder = mkdtempSync(join(tmpdir(), "device-c-port-"));
  try {
    const path = join(folder, "flash.bin");
    writeFileSync(path, flash);
    const input = commands.map((command) => `${command}\n`).join("");
    const { status, stdout, stderr } = spawnSync(hostProgram(build), [path, running], { input, encoding: "utf8" });
    if (status !== 0 || /^(failed|deadlock)$/m.test(stdout)) throw new Error(`status ${status}\n${stdout}${stderr}`);
    const lines = stdout.split("\n").filter((line) => line !== "" && line !== "ok");
    return { lines, flash: readFileSync(path) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One start of a device whose port runs on the host, command by command. */
export class PortProcess implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "device-c-port-"));
  readonly #path = join(this.#folder, "flash.bin");
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #output: AsyncIterator<string>;
  #errors = "";
  /** The device restarted by itself: the process ended. */
  hasRestarted = false;

  constructor(flash: Uint8Array, running: string, build: PortBuild = "port_host") {
    writeFileSync(this.#path, flash);
    this.#child = spawn(hostProgram(build), [this.#path, running]);
    this.#child.stderr.setEncoding("utf8").on("data", (text) => {
      this.#errors += text;
    });
    this.#output = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /**
   * Sends a command.
   *
   * @returns What the device did: the lines before `ok`, or before the process ended because of a restart.
   * @throws Error if the command or the process fails.
   */
  async send(command: string): Promise<readonly string[]> {
    const lines: string[] = [];
    if (this.hasRestarted) return lines;
    this.#child.stdin.write(`${command}\n`);
    for (;;) {
      const { value = "end", done = false } = await this.#output.next();
      if (value === "ok") return lines;
      if (value === "restart") {
        this.hasRestarted = true;
        return lines;
      }
      if (done || value === "failed" || value === "deadlock") {
        throw new Error(`${command.slice(0, 200)}: ${value}\n${lines.join("\n")}\n${this.#errors}`);
      }
      lines.push(value);
    }
  }

  /** Flash as of the last `dump` or restart. */
  get flash(): Uint8Array {
    return readFileSync(this.#path);
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true });
  }
}

/** Writes text as hexadecimal digits, as the commands take it. */
export function hex(value: string | Uint8Array): string {
  return Buffer.from(value).toString("hex");
}
