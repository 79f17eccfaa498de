import type { CommandOutput } from "@tinybms/cli-kit/output";
import { type DeliveryLimit, type DeviceProgress, OtaError } from "@tinybms/ota-core";
import type { LoadedArtifact, LoadedRoot, ReleaseFile } from "@tinybms/ota-core/node";
import type { OpenArtifact } from "../../image-file.ts";
import type { BrokerAddress } from "../../mqtt/broker-url.ts";
import type { DeliveryTarget } from "../../offer-payload.ts";
import type { OfferSigning } from "../../signing/offer-signing.ts";
import type { DeployOptions } from "./deploy-options.ts";

/**
 * A way to deliver artifacts, with everything that `deploy` needs to use it.
 *
 * @typeParam Target - Destination and settings of one delivery, with all options and defaults applied.
 */
export interface Way<Target> {
  readonly name: string;
  /** Name in `--transport` and in the manifest's `protocols`. Several ways may share a transport. */
  readonly transport: string;
  /** `true` if devices answer. Only then can a delivery name, count and wait for them. */
  readonly canAnswer: boolean;
  /** Noun phrase for such a delivery, such as `a message in blob mode`. */
  readonly form: string;
  /** Verb phrase for what such a delivery reaches. */
  readonly reaches: string;
  /** Kind of progress view. */
  readonly progress: "devices" | "bytes";
  /**
   * Reads the channel and the file of an artifact and checks them as far as possible without a network. Hides the
   * credentials that it reads from `context.output`.
   *
   * @throws {@link OtaError} The first fault found.
   */
  prepare(artifact: LoadedArtifact, context: DeployContext): Promise<Target>;
  /** Describes a delivery without its secrets, for `--dry-run` and `--json`. */
  describe(target: Target): Description;
  /**
   * Delivers the artifact.
   *
   * @throws {@link OtaError} if the delivery failed.
   */
  deliver(target: Target, job: DeliveryJob): Promise<DeliveryResult>;
}

/** State that the deliveries of one `deploy` share. */
export interface DeployContext {
  readonly root: LoadedRoot;
  readonly options: DeployOptions;
  /** Output that hides credentials, with the environment. */
  readonly output: CommandOutput;
  readonly target: DeliveryTarget;
  /** Path of the record of this publisher's offer counters. */
  readonly sequenceFile: string;
  /**
   * When the version was packaged, an ISO 8601 date. Without `created_at` in the version manifest, the current time.
   */
  readonly createdAt: string;
  readonly signedRelease: SignedRelease;
  /** Opens and measures an artifact's file, once for all its deliveries. `deploy` closes it. */
  open(artifact: LoadedArtifact): OpenArtifact;
  /** Opens the signers of offers and reads the key sets, once for all deliveries. */
  signing(): Promise<OfferSigning>;
}

/** The signed release of a version. */
export interface SignedRelease {
  /** Path of the file, whether or not it exists. */
  readonly file: string;
  /** `undefined` if the version has none. */
  readonly found: ReleaseFile | undefined;
}

/** Description of a delivery before it starts. */
export interface Description {
  /** Mode of the transport, as in `--json`. */
  readonly mode: string;
  /** Transport, with the mode if that is not the default. */
  readonly label: string;
  readonly file: Pick<OpenArtifact, "path" | "sizeBytes" | "sha256">;
  /** Destination as text that continues "would deliver … ". */
  readonly destination: string;
  readonly settings: readonly Setting[];
  /** Destination for JSON documents. */
  readonly place: DeliveryPlace;
  /** Warnings to print before anything is sent, as sentences. */
  readonly warnings: readonly string[];
}

/** Name of a setting, at most eight characters, and its value as text. */
export type Setting = readonly [name: string, text: string];

/** Destination of a delivery in `deploy --json`. */
export interface DeliveryPlace {
  /** Named devices, `all`, a URL, or the ports of boards. */
  readonly target: DeliveryTarget | string | { readonly ports: readonly string[] };
  readonly broker?: string;
  readonly topic?: string;
  readonly qos?: number;
  readonly retain?: boolean;
  /** HTTP method. */
  readonly method?: string;
}

/** Resources that `deploy` gives to a delivery. */
export interface DeliveryJob {
  /** Stops the delivery. */
  readonly signal: AbortSignal;
  readonly events: DeliveryEvents;
  /** Returns the broker in this process, and starts it if necessary. */
  embeddedBroker(): Promise<BrokerAddress>;
}

/** Receives the events of a delivery. */
export interface DeliveryEvents {
  /** Called when a device makes progress. */
  onDevice(device: DeviceProgress): void;
  /** Called with the number of bytes sent. Restarts at 0 if the delivery does. */
  onBytes(bytesSent: number): void;
  /** Called with a sentence for the user, and a more detailed one for `--verbose`. */
  onNote(text: string, detail?: string): void;
  /** Called with text for `--verbose` only. */
  onDetail(text: string): void;
}

/** Result of a delivery. */
export interface DeliveryResult {
  readonly bytesSent: number;
  /** `undefined` if the way sends no chunks. */
  readonly chunksSent?: number;
  readonly devices?: readonly DeviceProgress[];
  /** What limited the delivery most of the time; `undefined` if nothing did. */
  readonly limitedBy?: DeliveryLimit | undefined;
  /** Messages from the receiver for the user, as sentences. */
  readonly notes?: readonly string[];
  /** Error of a failed delivery. */
  readonly error?: OtaError | undefined;
  /** `true` if the broker retains the offer and the delivery waited for no device. */
  readonly isOnlyOffered?: boolean;
}

/** Creates the error for an interrupted delivery. */
export function interruptedError(): OtaError<"delivery/interrupted"> {
  const hint = "devices keep the offer and their chunks: run the same deploy again to continue";
  return new OtaError("delivery/interrupted", "interrupted", {}, { hint });
}
