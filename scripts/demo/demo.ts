/**
 * The whole path in one command: two builds, three simulated ESP32s, a release, a delivery. One device goes straight
 * through, one loses power in the middle of the download, one fails its self-test. `--binary FILE` delivers a real
 * image, `--from FILE` is what the devices run first. `--html FILE` writes a page that shows what happened.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import {
  assertPageWritable,
  connectDevice,
  createDevice,
  type DeviceConnection,
  type DeviceLogEntry,
  idfRelease,
  parseFault,
  RunPage,
  type SimulatedDevice,
  startEmbeddedBroker,
} from "@tinybms/firmware-sim/testkit";
import { buildAppImage, parseAppImage } from "@tinybms/ota-core/esp";
import { runCli } from "@tinybms/ota-publisher";

/** The release of ESP-IDF that the devices are of. */
const IDF = "6.0.2";
const TOPIC = "tinybms/gateway/ota";
const PRODUCT = "TinyBMS Web Gateway";
const STORIES = [
  { id: "bench-1", agent: "ts", story: "goes straight through" },
  {
    id: "bench-2",
    agent: "c",
    story: "loses power in the middle of the download",
    fault: "bench-2:power-cut@at=50%,moment=during,seed=7",
  },
  { id: "bench-3", agent: "c", story: "fails its self-test", fault: "bench-3:self-test=fail,version=NEW" },
] as const;

/** What runs on a device as the receiver. */
const AGENT_NAMES = { c: "C", ts: "TypeScript" } as const;

const { values } = parseArgs({
  options: { binary: { type: "string" }, from: { type: "string" }, html: { type: "string" } },
});
const callerFolder = process.env.INIT_CWD ?? process.cwd();
const pageFile = values.html === undefined ? undefined : resolve(callerFolder, values.html);
const startedAt = performance.now();
const folder = await mkdtemp(join(tmpdir(), "tinybms-demo-"));
try {
  process.exitCode = await demo();
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function demo(): Promise<number> {
  if (pageFile !== undefined) await assertPageWritable(pageFile);
  say("1  Build");
  const from = values.from === undefined ? built("1.0.0", 1) : await readFile(resolve(callerFolder, values.from));
  const to = values.binary === undefined ? built("1.1.0", 2) : await readFile(resolve(callerFolder, values.binary));
  const isReal = values.binary !== undefined;
  if (isReal && values.from === undefined)
    say("   (the devices run a made-up image first: --from FILE names a real one)");
  const running = matching(from, to);
  const version = isReal ? "demo" : "1.1.0";
  const binary = join(folder, "app.bin");
  await writeFile(binary, to);
  say(`   ${describe(running)} on the devices, ${describe(to)} to be delivered\n`);

  say("2  Package it into a release line");
  const manifest = join(folder, "manifest.json");
  await writeFile(manifest, releaseLine());
  const packaged = ["package", "--binary", binary, "--version", version, "--manifest", manifest, "--update-manifest"];
  if ((await command(packaged)) !== 0) return 1;

  say(`\n3  Flash three simulated ESP32s of ESP-IDF ${IDF}, switch them on`);
  const log: DeviceLogEntry[] = [];
  const boards = STORIES.map((story) => flash(story, running, to));
  const page = pageFile === undefined ? undefined : new RunPage(boards.map(({ device }) => device));
  const broker = await startEmbeddedBroker(page === undefined ? {} : { onPublished: page.addPublished.bind(page) });
  const connections = boards.map((board) => switchOn(board, broker.url, log, page));
  for (const { id, agent, story } of STORIES) say(`   ${id} (receiver in ${AGENT_NAMES[agent]}) ${story}`);

  say("\n4  Deploy");
  const deploy = ["deploy", "--version", version, "--manifest", manifest, "--broker", broker.url];
  const code = await command([...deploy, ...STORIES.flatMap(({ id }) => ["--device", id]), "--timeout", "120"]);

  say("\n5  What each went through");
  for (const { id } of STORIES) say(`   ${id}: ${journey(log, id)}`);
  const refetched = chunksFetchedTwice(connections[1], to);
  say(`   bench-2 fetched ${refetched} of ${chunkCount(to)} chunks twice: the one cut off, and its neighbours`);
  for (const connection of connections) await connection.stop();
  await broker.close();
  const isAsTold = conclude(connections, code, refetched);
  if (page !== undefined && pageFile !== undefined) {
    const facts = STORIES.map(({ id, agent, story }) => [id, `receiver in ${AGENT_NAMES[agent]}, ${story}`] as const);
    const text = isAsTold ? "ends as told" : "does not end as told";
    await page.write(pageFile, { title: `Demo: ${describe(to)}`, facts, verdict: { isGood: isAsTold, text } });
    say(`       ${pageFile} shows it`);
  }
  return isAsTold ? 0 : 1;
}

function conclude(connections: readonly DeviceConnection[], code: number, refetched: number): boolean {
  const states = connections.map(({ device }) => device.state);
  const cuts = connections[1]?.device.powerCutCount;
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const isAsTold =
    states.join() === "confirmed,confirmed,rolled-back" && code === 1 && cuts === 1 && refetched >= 1 && refetched <= 3;
  if (!isAsTold) {
    say(`\nThis is not how it should end: ${states.join(", ")}, exit code ${code}, ${cuts} power cuts`);
    return false;
  }
  say(`\nAs told, in ${seconds} s: two devices run the new image, the third the one it had (so deploy exits 1).`);
  say("Next:  npx -y pnpm@12 demo --binary your-app.bin --from the-one-before.bin");
  say("       ./tinybms-ota --help      ./tinybms-sim --help      docs/README.md");
  return true;
}

function built(version: string, seed: number): Uint8Array {
  return buildAppImage({ chip: "esp32", version, projectName: "tinybms-gateway", sizeBytes: 384 * 1024, seed });
}

/** What the devices run first must be of the chip and project of what comes, or they would rightly refuse it. */
function matching(from: Uint8Array, to: Uint8Array): Uint8Array {
  const [old, next] = [parseAppImage(from), parseAppImage(to)];
  if (values.from !== undefined || old.header.chipId === next.header.chipId) {
    if (values.binary === undefined || values.from !== undefined) return from;
  }
  const chip = chipOf(to);
  return buildAppImage({
    chip,
    version: "0.0.1",
    projectName: next.descriptor?.projectName ?? "",
    sizeBytes: 384 * 1024,
  });
}

function chipOf(image: Uint8Array): "esp32" | "esp32s3" | "esp32c3" | "esp32s2" {
  const { chipId } = parseAppImage(image).header;
  if (chipId === 9) return "esp32s3";
  if (chipId === 5) return "esp32c3";
  return chipId === 2 ? "esp32s2" : "esp32";
}

function describe(image: Uint8Array): string {
  const { descriptor } = parseAppImage(image);
  return `${descriptor?.projectName} ${descriptor?.version} (${chunkCount(image)} chunks)`;
}

function releaseLine(): string {
  const channels = { mqtt: { broker: "mqtt://localhost:1883", topic: TOPIC, qos: 1, rate: 262_144 } };
  const product = { name: PRODUCT, hardware: "esp32" };
  return `${JSON.stringify({ schema_version: 1, product, deployment: { channels, default_protocols: ["mqtt"] }, versions: [] }, null, 2)}\n`;
}

interface Board {
  readonly device: SimulatedDevice;
  readonly faults: ReturnType<typeof parseFault>[];
}

function flash(story: (typeof STORIES)[number], running: Uint8Array, next: Uint8Array): Board {
  const version = parseAppImage(next).descriptor?.version ?? "";
  const isSameVersion = version === parseAppImage(running).descriptor?.version;
  const text =
    "fault" in story ? story.fault.replace(",version=NEW", isSameVersion ? "" : `,version=${version}`) : undefined;
  const faults = text === undefined ? [] : [parseFault(text)];
  const appBuild = { idf: idfRelease(IDF) };
  const { id, agent } = story;
  const device = createDevice({ id, agent, topicRoot: TOPIC, product: PRODUCT, app: running, faults, appBuild });
  return { device, faults };
}

function switchOn({ device, faults }: Board, url: string, log: DeviceLogEntry[], page?: RunPage): DeviceConnection {
  const watch = page?.watch(device);
  const onLog = (entry: DeviceLogEntry): void => {
    log.push(entry);
    watch?.onLog(entry);
  };
  return connectDevice(device, url, { faults, ...watch, onLog });
}

function journey(log: readonly DeviceLogEntry[], id: string): string {
  const steps: string[] = [];
  for (const entry of log) {
    if (entry.device !== id) continue;
    if (entry.type === "booted") steps.push(`boots ${entry.version} from ${entry.slot}`);
    if (entry.type === "state" && entry.state !== "idle") steps.push(entry.state);
    if (entry.type === "power-cut") steps.push("POWER CUT");
  }
  return steps.filter((step, index) => step !== steps[index - 1]).join(" → ");
}

function chunkCount(image: Uint8Array): number {
  return Math.ceil(image.length / 4096);
}

function chunksFetchedTwice(connection: DeviceConnection | undefined, image: Uint8Array): number {
  return (connection?.device.totals.chunksUseful ?? 0) - chunkCount(image);
}

async function command(args: readonly string[]): Promise<number> {
  say(`$ tinybms-ota ${args.map((arg) => arg.replace(folder, "…")).join(" ")}`);
  const { stdout, stderr, env } = process;
  return await runCli(args, { stdout, stderr, env, signal: new AbortController().signal });
}

function say(text: string): void {
  console.log(text);
}
