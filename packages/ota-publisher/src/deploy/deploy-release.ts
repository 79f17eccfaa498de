import { Writable } from "node:stream";
import { CommandOutput } from "@tinybms/cli-kit/output";
import { type DeviceProgress, OtaError } from "@tinybms/ota-core";
import { deploy } from "./deploy.ts";
import type { DeployResult } from "./deploy-result.ts";

/** Options of {@link deployRelease}. */
export interface DeployReleaseOptions {
  /** Path of the root manifest. */
  readonly manifest: string;
  /** Version to deliver. */
  readonly version: string;
  /**
   * URL of the broker, for example `mqtts://broker.example`; or `embedded`, which starts one in this process.
   *
   * @defaultValue The broker of the manifest's `mqtt` channel
   */
  readonly broker?: string | undefined;
  /**
   * IDs of the devices that receive the release.
   *
   * @defaultValue Every device of the product
   */
  readonly devices?: readonly string[] | undefined;
  /** Number of devices that must succeed. Can't be combined with `devices`. */
  readonly expect?: number | undefined;
  /**
   * State that devices must reach. `none` waits only until the broker retains the offer.
   *
   * @defaultValue `confirmed`
   */
  readonly wait?: "confirmed" | "downloaded" | "none" | undefined;
  /**
   * Time limit of each delivery, in seconds.
   *
   * @defaultValue 600
   */
  readonly timeoutSeconds?: number | undefined;
  /**
   * Answers for the offer that stands, beside the publisher that made it. Takes no number and needs no key.
   *
   * @defaultValue `false`
   */
  readonly join?: boolean | undefined;
  /**
   * Transports: `mqtt`, `https`, `serial`.
   *
   * @defaultValue The protocols of each artifact
   */
  readonly transports?: readonly string[] | undefined;
  /**
   * How MQTT carries the image: in chunks that devices ask for, or as one message.
   *
   * @defaultValue The `mode` of the manifest's `mqtt` channel, otherwise `chunked`
   */
  readonly mode?: "chunked" | "blob" | undefined;
  /** Serial ports of boards, for the transport `serial`. */
  readonly ports?: readonly string[] | undefined;
  /** PEM files of the private keys that sign the offer. */
  readonly signKeys?: readonly string[] | undefined;
  /** File whose first line is the passphrase of those keys. This function never prompts for it. */
  readonly passphraseFile?: string | undefined;
  /**
   * Folder of the product's key sets.
   *
   * @defaultValue `keys` next to the root manifest
   */
  readonly keys?: string | undefined;
  /**
   * Allows channels that send credentials unencrypted or skip the check of a server's certificate.
   *
   * @defaultValue `false`
   */
  readonly allowInsecure?: boolean | undefined;
  /**
   * Checks everything and sends nothing.
   *
   * @defaultValue `false`
   */
  readonly dryRun?: boolean | undefined;
  /**
   * Environment variables for channels.
   *
   * @defaultValue `process.env`
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Stops the deploy. Its result then has the error `delivery/interrupted`. */
  readonly signal?: AbortSignal | undefined;
  /** Called at each step of a device, and for sent bytes of a delivery that no device answers. */
  readonly onProgress?: ((progress: DeployProgress) => void) | undefined;
}

/** Progress of one delivery. */
export interface DeployProgress {
  /** Name of the artifact. */
  readonly artifact: string;
  readonly transport: string;
  /** Device that made progress. Absent if no device answers. */
  readonly device?: DeviceProgress;
  /** Bytes of the file that have been sent. Absent if devices answer. */
  readonly bytesSent?: number;
}

/**
 * Delivers a release to devices, as `tinybms-ota deploy` does, without a console.
 *
 * @example
 *     const { deliveries, error } = await deployRelease({
 *       manifest: "ota/manifest.json",
 *       version: "1.2.3",
 *       broker: "mqtts://broker.example",
 *       devices: ["bench-1"],
 *     });
 *     if (error !== undefined) throw error;
 *     console.log(deliveries[0]?.devices); // [{ device: "bench-1", state: "confirmed", version: "1.2.3", … }]
 *
 * @returns The document of `deploy --json`. It contains failed deliveries too; its `error` is the first of their
 *   errors. It contains no secret.
 * @throws {@link OtaError} `arguments/…`, `manifest/…`, `image/…`, `signing/…` or `delivery/blob-too-large` for faults
 *   that are found before anything is sent.
 */
export async function deployRelease(options: DeployReleaseOptions): Promise<DeployResult> {
  const { env = process.env, signal = new AbortController().signal } = options;
  const output = new CommandOutput({ stdout: silence(), stderr: silence(), env, signal, isUnattended: true }, {});
  const { manifest, version, broker, devices, expect, transports, mode, ports, signKeys, passphraseFile } = options;
  const { join, keys, allowInsecure, dryRun, wait = "confirmed", timeoutSeconds = 600 } = options;
  assertPositive("timeoutSeconds", timeoutSeconds, Number.isFinite(timeoutSeconds));
  if (expect !== undefined) assertPositive("expect", expect, Number.isSafeInteger(expect));
  try {
    const result = await deploy(
      {
        ...{ manifest, version, broker, expect, wait, join, mode, passphraseFile, keys, allowInsecure, dryRun },
        ...{ device: devices, transport: transports, port: ports, signKey: signKeys, timeout: timeoutSeconds },
      },
      output,
      reporterOf(options),
    );
    return output.redactAll(result);
  } catch (error) {
    throw output.clean(error);
  }
}

function reporterOf({ onProgress }: DeployReleaseOptions): Parameters<typeof deploy>[2] {
  const ignore = (): void => undefined;
  return {
    onWarning: ignore,
    onBegin: async ({ artifact, way: { transport } }) => ({
      onDevice: (device) => onProgress?.({ artifact, transport, device }),
      onBytes: (bytesSent) => onProgress?.({ artifact, transport, bytesSent }),
      onNote: ignore,
      onDetail: ignore,
      stop: ignore,
    }),
    onEnd: ignore,
    onInterrupted: ignore,
    onDone: ignore,
  };
}

function assertPositive(option: string, value: number, isNumber: boolean): void {
  if (isNumber && value > 0) return;
  throw new OtaError("arguments/invalid", `${option} must be a number above 0; it is ${value}`, { option });
}

/** Creates a stream that discards its text. */
function silence(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}
