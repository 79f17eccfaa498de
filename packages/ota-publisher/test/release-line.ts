import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { runCli } from "../src/cli/run-cli.ts";

export const TOPIC = "bench/ota";

/** What the release line's binary is. */
export const IMAGE: Uint8Array = buildAppImage({ version: "1.2.3", projectName: "gateway", sizeBytes: 40_000 });

/** What a command ended with. */
export interface CliRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A release line in a folder of its own, and the command run on it. */
export interface ReleaseLine {
  readonly folder: string;
  readonly manifest: string;
  readonly binary: string;
  writeManifest(document: object | string): void;
  /** Runs `tinybms-ota` with these arguments, `--manifest` added. */
  run(args: readonly string[], world?: RunWorld): Promise<CliRun>;
  remove(): void;
}

/** The root manifest of a new release line, with no version yet. */
export const ROOT_MANIFEST = {
  schema_version: 1,
  product: { name: "gateway", hardware: "esp32" },
  deployment: {
    channels: { mqtt: { broker: "mqtt://127.0.0.1:1", topic: TOPIC, rate: 0, client_id: "publisher" } },
    default_protocols: ["mqtt"],
  },
  versions: [],
};

/** Makes a folder with a root manifest and a binary that is not packaged yet. */
export function createReleaseLine(): ReleaseLine {
  const folder = mkdtempSync(join(tmpdir(), "tinybms-publisher-"));
  const manifest = join(folder, "ota", "manifest.json");
  const binary = join(folder, "gateway.bin");
  mkdirSync(join(folder, "ota"));
  writeFileSync(binary, IMAGE);
  const writeManifest = (document: object | string): void =>
    writeFileSync(manifest, typeof document === "string" ? document : JSON.stringify(document));
  writeManifest(ROOT_MANIFEST);
  return {
    folder,
    manifest,
    binary,
    writeManifest,
    run: (args, world) => runCommand([...args, "--manifest", manifest], world),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What a run has of the world. */
export interface RunWorld {
  readonly signal?: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
  /** Called with each text on standard error as it comes. */
  readonly onStderr?: (text: string) => void;
  /** Called with each text on standard output as it comes. */
  readonly onStdout?: (text: string) => void;
}

/** Runs `tinybms-ota` and collects what it writes. */
export async function runCommand(
  args: readonly string[],
  { signal = new AbortController().signal, env = {}, onStderr = () => {}, onStdout }: RunWorld = {},
): Promise<CliRun> {
  const [stdout, stderr] = [new TextCollector(onStdout), new TextCollector(onStderr)];
  const exitCode = await runCli(args, { stdout, stderr, env, signal });
  return { exitCode, stdout: stdout.text, stderr: stderr.text };
}

class TextCollector extends Writable {
  text = "";
  readonly #onText: (text: string) => void;

  constructor(onText: (text: string) => void = () => {}) {
    super();
    this.#onText = onText;
  }

  override _write(chunk: unknown, _encoding: string, done: () => void): void {
    this.text += String(chunk);
    this.#onText(String(chunk));
    done();
  }
}
