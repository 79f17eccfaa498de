import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { Writable } from "node:stream";
import { CommandOutput, ExitCode, exitCodeOf, type OutputOptions, printable } from "@tinybms/cli-kit/output";
import { formatJson, isOtaError, type OtaError, type Problem } from "@tinybms/ota-core";
import { buildAppImage, chipsOfHardware } from "@tinybms/ota-core/esp";
import { type LoadedRoot, loadRootManifest, type PlacedProblem } from "@tinybms/ota-core/node";
import { runDeploy } from "../deploy/run-deploy.ts";
import { runPackage } from "./package.ts";
import { runValidate } from "./validate.ts";

/** Options of `tinybms-ota smoke`, as commander parses them. */
export interface SmokeCommandOptions extends OutputOptions {
  /** Path of the root manifest to try. @defaultValue A built-in one */
  readonly manifest?: string;
}

/** Steps, in order. `manifest` and `releases` run only if the user names a manifest. */
type StepName = "manifest" | "releases" | "package" | "validate" | "deploy";

/** Result of a step. */
interface SmokeStep {
  readonly step: StepName;
  readonly outcome: "ok" | "failed" | "skipped";
  readonly error?: OtaError;
  readonly problems?: readonly Problem[];
}

/** Version of the release in the temporary folder. */
const VERSION = "0.0.0-smoke";

/** Size of the generated image in bytes, above the 32 KiB that gateways require. */
const IMAGE_SIZE = 64 * 1024;

/** Members of a channel that hold paths relative to the root manifest. */
const FILE_MEMBERS: readonly string[] = ["ca", "cert", "key"];

const BUILT_IN_MANIFEST: object = {
  schema_version: 1,
  product: { name: "smoke", hardware: "esp32" },
  deployment: {
    channels: {
      mqtt: { broker: "mqtt://localhost:1883", topic: "smoke/ota" },
      https: { url: "https://updates.example/firmware.bin" },
    },
    default_protocols: ["mqtt", "https"],
  },
  versions: [],
};

/**
 * Tries the steps of a release that need no network: packages an image in a temporary folder, validates the release and
 * plans its delivery. With `--manifest`, also validates the released versions and uses that manifest's channels. Writes
 * nothing outside the temporary folder.
 *
 * @returns The exit code: 0 if every step succeeded, otherwise that of the first failed step.
 */
export async function runSmoke({ manifest }: SmokeCommandOptions, output: CommandOutput): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "tinybms-smoke-"));
  const steps: SmokeStep[] = [];
  const report = (step: SmokeStep): void => {
    steps.push(step);
    if (step.outcome !== "ok" || !output.quiet) output.print(describe(step, output));
  };
  try {
    await trySteps(folder, manifest, output, report);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const failed = steps.find(({ outcome }) => outcome === "failed");
  output.printJson({ ok: failed === undefined, manifest: manifest ?? null, steps });
  if (failed === undefined) return ExitCode.done;
  return failed.error === undefined ? ExitCode.wrongInput : exitCodeOf(failed.error);
}

async function trySteps(
  folder: string,
  manifest: string | undefined,
  output: CommandOutput,
  report: (step: SmokeStep) => void,
): Promise<void> {
  const tryOne = async (step: StepName, run: () => Promise<readonly Problem[]>): Promise<boolean> => {
    const result = await outcomeOf(step, run);
    output.world.signal.throwIfAborted();
    report(result);
    return result.outcome === "ok";
  };
  let root: LoadedRoot | undefined;
  if (manifest !== undefined) {
    const isRead = await tryOne("manifest", async () => {
      root = await loadRootManifest(manifest);
      return [];
    });
    if (isRead) await tryOne("releases", () => validate(manifest, output));
    else report({ step: "releases", outcome: "skipped" });
  }
  const copy = join(folder, "ota", "manifest.json");
  let canContinue = manifest === undefined || root !== undefined;
  if (canContinue) await writeReleaseLine(folder, copy, root);
  const further: readonly (readonly [StepName, () => Promise<readonly Problem[]>])[] = [
    ["package", () => packageIt(folder, copy, output)],
    ["validate", () => validate(copy, output)],
    ["deploy", () => planDelivery(copy, output)],
  ];
  for (const [step, run] of further) {
    if (canContinue) canContinue = await tryOne(step, run);
    else report({ step, outcome: "skipped" });
  }
}

async function outcomeOf(step: StepName, run: () => Promise<readonly Problem[]>): Promise<SmokeStep> {
  try {
    const problems = await run();
    return problems.length === 0 ? { step, outcome: "ok" } : { step, outcome: "failed", problems };
  } catch (error) {
    if (!isOtaError(error)) throw error;
    return { step, outcome: "failed", error };
  }
}

/** Writes the user's manifest without its releases, or the built-in one, and an image for its chip. */
async function writeReleaseLine(folder: string, copy: string, root: LoadedRoot | undefined): Promise<void> {
  const manifest = root === undefined ? BUILT_IN_MANIFEST : withoutReleases(root);
  const chip = chipsOfHardware(root?.manifest.product.hardware ?? "esp32")?.[0]?.name ?? "esp32";
  await mkdir(join(folder, "ota"));
  await writeFile(copy, formatJson(manifest));
  await writeFile(
    join(folder, "app.bin"),
    buildAppImage({ chip, version: VERSION, projectName: "smoke", sizeBytes: IMAGE_SIZE }),
  );
}

/** Returns the manifest without versions, and with absolute paths in its channels. */
function withoutReleases({ manifest, folder }: LoadedRoot): object {
  // A dollar sign in the folder's name must not begin a variable.
  const base = resolve(folder).replaceAll("$", "$$$$");
  const channels = Object.entries(manifest.deployment?.channels ?? {}).map(([name, channel]) => {
    if (channel === null || typeof channel !== "object" || Array.isArray(channel)) return [name, channel];
    const members = Object.entries(channel).map(([member, value]) => {
      const isBeside = FILE_MEMBERS.includes(member) && typeof value === "string" && !/^\$|^$/.test(value);
      return [member, isBeside && !isAbsolute(value) ? join(base, value) : value];
    });
    return [name, Object.fromEntries(members)];
  });
  const deployment = { ...manifest.deployment, channels: Object.fromEntries(channels) };
  return { ...manifest, versions: [], ...(manifest.deployment === undefined ? {} : { deployment }) };
}

async function packageIt(folder: string, manifest: string, output: CommandOutput): Promise<readonly Problem[]> {
  const binary = join(folder, "app.bin");
  const options = { manifest, binary, version: VERSION, project: "smoke", updateManifest: true };
  await runPackage(options, outputWithin(output).output);
  return [];
}

async function validate(manifest: string, output: CommandOutput): Promise<readonly PlacedProblem[]> {
  const within = outputWithin(output);
  await runValidate({ manifest, format: "text" }, within.output);
  const { problems }: { readonly problems: readonly PlacedProblem[] } = JSON.parse(within.document.text);
  return problems.filter(({ severity }) => severity === "error");
}

async function planDelivery(manifest: string, output: CommandOutput): Promise<readonly Problem[]> {
  // Nothing is sent, so that no credential is exposed.
  const dry = { dryRun: true, allowInsecure: true } as const;
  const options = { manifest, version: VERSION, wait: "confirmed", timeout: 600, ...dry } as const;
  const within = outputWithin(output);
  const exitCode = await runDeploy(options, within.output);
  if (exitCode === ExitCode.done) return [];
  const { error, deliveries = [] }: FailedDeploy = JSON.parse(within.document.text);
  const faults = [error, ...deliveries.map((delivery) => delivery.error)].filter((fault) => fault !== undefined);
  if (faults.length === 0) throw new Error(`deploy --dry-run ended with ${exitCode} without an error`);
  return faults.map(({ code, message }) => ({ code, path: "", message }));
}

/** Errors in the document of `deploy --json`: before the deliveries, or in one of them. */
interface FailedDeploy {
  readonly error?: Pick<Problem, "code" | "message">;
  readonly deliveries?: readonly { readonly error?: Pick<Problem, "code" | "message"> }[];
}

/** Creates an output for a nested command that collects its JSON document and discards other text. */
function outputWithin({ world }: CommandOutput): {
  readonly output: CommandOutput;
  readonly document: TextCollector;
} {
  const document = new TextCollector();
  const within = { stdout: document, stderr: new TextCollector(), env: world.env, signal: world.signal };
  return { output: new CommandOutput(within, { json: true }), document };
}

function describe({ step, outcome, error, problems = [] }: SmokeStep, output: CommandOutput): string {
  const color = { ok: "green", failed: "red", skipped: "yellow" } as const;
  const faults = [
    ...(error === undefined ? [] : [`error[${error.code}]: ${error.message}`]),
    ...(error?.hint === undefined ? [] : [`hint: ${error.hint}`]),
    ...problems.map(({ code, path, message }) => `${path}: ${code}: ${message}`),
  ];
  const line = `${output.style(color[outcome], outcome.padEnd(8))}${MEANINGS[step]}`;
  return [line, ...faults.map((fault) => `        ${printable(fault)}`)].join("\n");
}

const MEANINGS: Readonly<Record<StepName, string>> = {
  manifest: "the root manifest can be read",
  releases: "every released version is valid",
  package: "an image can be packaged, in a temporary folder",
  validate: "the packaged release is valid",
  deploy: "its delivery can be planned (dry run, no network)",
};

class TextCollector extends Writable {
  text = "";

  override _write(chunk: unknown, _encoding: string, done: () => void): void {
    this.text += String(chunk);
    done();
  }
}
