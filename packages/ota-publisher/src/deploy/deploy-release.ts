import { Writable } from "node:stream";
import { CommandOutput } from "@tinybms/cli-kit/output";
import { type DeviceProgress, OtaError } from "@tinybms/ota-core";
import { deploy } from "./deploy.ts";
import type { DeployResult } from "./deploy-result.ts";

/** Options of {@link deployRelease}. All that have a default may be absent. */
export interface DeployReleaseOptions {
  /** Path of the root manifest. */
  readonly manifest: string;
  /** The version to deliver. */
  readonly version: string;
  /**
   * URL of the broker, for example `mqtts://broker.example`; or `embedded`, which starts one in this process.
   *
   * @defaultValue the broker of the manifest's `mqtt` channel
   */
  readonly broker?: string | undefined;
  /**
   * Names of the devices that the release is for.
   *
   * @defaultValue every device of the product
   */
  readonly devices?: readonly string[] | undefined;
  /** How many devices must succeed; only without `devices`. */
  readonly expect?: number | undefined;
  /**
   * State that devices must reach. `none` ends when the broker keeps the offer.
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
   * Ways to the devices: `mqtt`, `https`, `serial`.
   *
   * @defaultValue the protocols of each artifact
   */
  readonly transports?: readonly string[] | undefined;
  /**
   * How an image travels by MQTT.
   *
   * @defaultValue the `mode` of the manifest's `mqtt` channel, else `chunked`
   */
  readonly mode?: "chunked" | "blob" | undefined;
  /** Ports of boards at a cable, for the transport `serial`. */
  readonly ports?: readonly string[] | undefined;
  /** PEM files of the private keys that sign the offer. */
  readonly signKeys?: readonly string[] | undefined;
  /** File whose first line is the passphrase of those keys. Nobody is asked for it. */
  readonly passphraseFile?: string | undefined;
  /**
   * Folder of the product's key sets.
   *
   * @defaultValue `keys` next to the root manifest
   */
  readonly keys?: string | undefined;
  /**
   * Whether credentials may go unencrypted, and servers are believed whose certificate is not checked, if a channel
   * says so.
   *
   * @defaultValue `false`
   */
  readonly allowInsecure?: boolean | undefined;
  /**
   * Whether to check everything and send nothing.
   *
   * @defaultValue `false`
   */
  readonly dryRun?: boolean | undefined;
  /**
   * Environment variables that channels may refer to.
   *
   * @defaultValue `process.env`
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Ends the deploy; its result has the error `delivery/interrupted`. */
  readonly signal?: AbortSignal | undefined;
  /** Called each time a device gets further, or bytes of a delivery that no device answers have left. */
  readonly onProgress?: ((progress: DeployProgress) => void) | undefined;
}

/** How far one delivery is. */
export interface DeployProgress {
  /** Name of the artifact. */
  readonly artifact: string;
  readonly transport: string;
  /** The device that got further; absent where no device answers. */
  readonly device?: DeviceProgress;
  /** Bytes of the file that have left; absent where devices answer. */
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
 * @returns What came of it: the document of `deploy --json`. Deliveries that failed are in it, and the first error of
 *   them is its `error`. It holds no secret.
 * @throws {@link OtaError} `arguments/…`, `manifest/…`, `image/…`, `signing/…` or `delivery/blob-too-large` for what is
 *   wrong before anything is sent.
 */
export async function deployRelease(options: DeployReleaseOptions): Promise<DeployResult> {
  const { env = process.env, signal = new AbortController().signal } = options;
  const output = new CommandOutput({ stdout: silence(), stderr: silence(), env, signal, isUnattended: true }, {});
  const { manifest, version, broker, devices, expect, transports, mode, ports, signKeys, passphraseFile } = options;
  const { keys, allowInsecure, dryRun, wait = "confirmed", timeoutSeconds = 600 } = options;
  assertPositive("timeoutSeconds", timeoutSeconds, Number.isFinite(timeoutSeconds));
  if (expect !== undefined) assertPositive("expect", expect, Number.isSafeInteger(expect));
  try {
    const result = await deploy(
      {
        ...{ manifest, version, broker, expect, wait, mode, passphraseFile, keys, allowInsecure, dryRun },
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
  throw new OtaError("arguments/invalid", `${option} must be a number above 0, and is ${value}`, { option });
}

/** Makes a stream for text that nobody reads. */
function silence(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}
