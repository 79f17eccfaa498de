import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { topicsOf } from "@tinybms/ota-core";
import { connectAsync } from "mqtt";

/** Topic of the fleet's channel, and product: those that `tinybms-sim run` has by default. */
export const TOPIC = "tinybms/gateway/ota";
const PRODUCT = { name: "TinyBMS Web Gateway", hardware: "esp32" };

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** A release line with one version. */
export interface FleetLine {
  readonly manifest: string;
  readonly version: string;
  /** The app image. */
  readonly image: string;
}

/** Packages an image in a folder. @param channel - Members of the `mqtt` channel besides its topic. */
export async function packageForFleet(folder: string, bytes: Uint8Array, channel: object): Promise<FleetLine> {
  const [image, manifest] = [join(folder, "app.bin"), join(folder, "manifest.json")];
  await writeFile(image, bytes);
  const deployment = { channels: { mqtt: { topic: TOPIC, ...channel } }, default_protocols: ["mqtt"] };
  await writeFile(manifest, JSON.stringify({ schema_version: 1, product: PRODUCT, deployment, versions: [] }));
  const args = ["--manifest", manifest, "--binary", image, "--update-manifest", "--json"];
  const { stdout } = await ended(start("tinybms-ota", "package", ...args));
  const { version } = JSON.parse(stdout) as { version: string };
  return { manifest, version, image };
}

/** Starts a command from source. Its standard output can be read. */
export function start(command: "tinybms-ota" | "tinybms-sim", ...args: readonly string[]): ChildProcess {
  const folder = command === "tinybms-ota" ? "packages/ota-publisher" : "firmware-sim";
  const argv = ["--conditions=@tinybms/source", join(ROOT, folder, "src/bin", `${command}.ts`), ...args];
  return spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "ignore"] });
}

/** Waits for the end of a process, with what it wrote to standard output. */
export async function ended(child: ChildProcess): Promise<{ readonly code: number | null; readonly stdout: string }> {
  if (child.stdout === null) throw new Error("the output of the process is not read");
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  return { code: code as number | null, stdout };
}

/** Waits until so many devices have reported: a device that connects later would miss what was sent. */
export async function untilOnline(url: string, devices: number): Promise<void> {
  const client = await connectAsync(url);
  const heard = new Set<string>();
  const all = new Promise<void>((resolve) => {
    client.on("message", (topic) => {
      if (heard.add(topic).size === devices) resolve();
    });
  });
  await client.subscribeAsync(topicsOf(TOPIC).stateFilter);
  await all;
  await client.endAsync();
}
