import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { type HttpsChannel, isOtaError, type OtaError } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import {
  deliverOverHttps,
  type HttpsDeliveryClock,
  type HttpsDeliveryOutcome,
} from "../src/https/deliver-over-https.ts";
import { type HttpsTarget, httpsChannelOf } from "../src/https/https-channel.ts";
import { proxyOf } from "../src/https/proxy.ts";

/** What became of one delivery. */
export interface Delivered {
  readonly outcome?: HttpsDeliveryOutcome;
  readonly error?: OtaError;
  readonly progress: readonly number[];
  readonly retries: readonly { readonly code: string; readonly message: string; readonly delayMs: number }[];
  /** Everything that a user could see, with the causes that `--verbose` prints. */
  readonly said: string;
}

/** A folder with an image, and deliveries of it. */
export interface HttpsBench {
  readonly folder: string;
  readonly image: { path: string; sizeBytes: number; sha256: string; filename: string; version: string };
  readonly bytes: Uint8Array;
  /** An empty folder within the folder. */
  subfolder(name: string): string;
  targetOf(channel: object): HttpsTarget;
  deliver(channel: object, options?: DeliverOptions): Promise<Delivered>;
  remove(): void;
}

export interface DeliverOptions {
  readonly image?: Partial<HttpsBench["image"]>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (bytesSent: number) => void;
  /** Where proxies are looked for. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds since 1970 where the clock begins. */
  readonly epochMs?: number;
}

/** Makes a bench with an app image of this size. */
export function createHttpsBench(sizeBytes = 300_000): HttpsBench {
  const folder = mkdtempSync(join(tmpdir(), "tinybms-https-"));
  const bytes = buildAppImage({ version: "1.2.3", projectName: "gateway", sizeBytes });
  const path = join(folder, "gateway-1.2.3.bin");
  writeFileSync(path, bytes);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const image = { path, sizeBytes: bytes.length, sha256, filename: "gateway-1.2.3.bin", version: "1.2.3" };
  const targetOf = (channel: object): HttpsTarget =>
    httpsChannelOf(channel as HttpsChannel, { manifestFile: "ota/manifest.json", artifact: "gateway", folder });
  return {
    folder,
    image,
    bytes,
    targetOf,
    subfolder: (name) => {
      const created = join(folder, name);
      mkdirSync(created);
      return created;
    },
    deliver: async (channel, options = {}) => {
      const progress: number[] = [];
      const retries: { code: string; message: string; delayMs: number }[] = [];
      const watch = {
        onProgress: (bytesSent: number) => {
          progress.push(bytesSent);
          options.onProgress?.(bytesSent);
        },
        onRetry: ({ code, message }: OtaError, delayMs: number) => {
          retries.push({ code, message, delayMs });
        },
      };
      const target = targetOf(channel);
      const plan = {
        target: { ...target, proxy: proxyOf(target.url, options.env ?? {}) },
        image: { ...image, ...options.image },
        timeoutMs: options.timeoutMs ?? 60_000,
      };
      const signal = options.signal ?? new AbortController().signal;
      try {
        const outcome = await deliverOverHttps(plan, watch, signal, patientClock(options.epochMs ?? 0));
        return { outcome, progress, retries, said: inspect([outcome, retries, plan.target.warnings], { depth: 10 }) };
      } catch (error) {
        if (!isOtaError(error)) throw error;
        const said = inspect([error, error.toJSON(), retries, plan.target.warnings], { depth: 10 });
        return { error, progress, retries, said };
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Names of the files in a folder. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder);
}

/** Waits take no time, but the clock goes on by them; chance always says the same. */
function patientClock(epochMs: number): HttpsDeliveryClock {
  let waitedMs = 0;
  return {
    now: () => waitedMs,
    epochMs: () => epochMs + waitedMs,
    wait: async (delayMs, signal) => {
      await new Promise(setImmediate);
      signal.throwIfAborted();
      waitedMs += delayMs;
    },
    random: () => 0,
  };
}
