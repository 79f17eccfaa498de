import type { CommandOutput } from "@tinybms/cli-kit/output";
import { type DeviceProgress, OtaError } from "@tinybms/ota-core";
import type { LoadedArtifact, LoadedRoot, ReleaseFile } from "@tinybms/ota-core/node";
import type { OpenArtifact } from "../../image-file.ts";
import type { BrokerAddress } from "../../mqtt/broker-url.ts";
import type { DeliveryTarget } from "../../offer-payload.ts";
import type { OfferSigning } from "../../signing/offer-signing.ts";
import type { DeployOptions } from "./deploy-options.ts";

/**
 * Everything that `deploy` knows of one way to a device.
 *
 * @typeParam Target - Where the way delivers one artifact to and how, with every option and default filled in.
 */
export interface Way<Target> {
  readonly name: string;
  /** What `--transport` and the manifest's `protocols` call it. Several ways may share a transport. */
  readonly transport: string;
  /** Whether devices answer. Only then can they be named, counted and waited for. */
  readonly canAnswer: boolean;
  /** A delivery this way, for example `a message in blob mode`. */
  readonly form: string;
  /** What such a delivery reaches, as a verb phrase. */
  readonly reaches: string;
  /** What `deploy` shows while such a delivery runs. */
  readonly progress: "devices" | "bytes";
  /**
   * Reads channel and file of an artifact, and checks them as far as it can without a network. Hides credentials that it
   * finds from `context.output`.
   *
   * @throws {@link OtaError} the first fault found.
   */
  prepare(artifact: LoadedArtifact, context: DeployContext): Promise<Target>;
  /** Describes a delivery without its secrets, for `--dry-run` and `--json`. */
  describe(target: Target): Description;
  /**
   * Delivers the artifact.
   *
   * @throws {@link OtaError} for a delivery that failed.
   */
  deliver(target: Target, job: DeliveryJob): Promise<DeliveryResult>;
}

/** What the deliveries of one `deploy` share. */
export interface DeployContext {
  readonly root: LoadedRoot;
  readonly options: DeployOptions;
  /** Hides credentials; holds the environment. */
  readonly output: CommandOutput;
  readonly target: DeliveryTarget;
  /** The record of the counters of our own offers. */
  readonly sequenceFile: string;
  /** When the version was packaged, an ISO 8601 date; now if the version manifest does not say. */
  readonly createdAt: string;
  readonly signedRelease: SignedRelease;
  /** Opens and measures an artifact's file, once for all its deliveries. `deploy` closes it. */
  open(artifact: LoadedArtifact): OpenArtifact;
  /** Opens the signers of offers and reads the key sets, once for all deliveries. */
  signing(): Promise<OfferSigning>;
}

/** The signed release of a version. */
export interface SignedRelease {
  /** Where it is, or would be. */
  readonly file: string;
  /** `undefined` if the version has none. */
  readonly found: ReleaseFile | undefined;
}

/** What `deploy` says of a delivery before it begins. */
export interface Description {
  /** How the artifact travels, as `--json` names it. */
  readonly mode: string;
  /** Transport, and mode where that is not the usual one. */
  readonly label: string;
  readonly file: Pick<OpenArtifact, "path" | "sizeBytes" | "sha256">;
  /** Where it goes, for people: continues "would deliver … ". */
  readonly destination: string;
  readonly settings: readonly Setting[];
  /** Where it goes, for programs. */
  readonly place: DeliveryPlace;
  /** What the user should know before anything is sent, as sentences. */
  readonly warnings: readonly string[];
}

/** Name of a setting, at most eight characters, and its value as text. */
export type Setting = readonly [name: string, text: string];

/** Where a delivery goes, as `deploy --json` prints it. */
export interface DeliveryPlace {
  /** The named devices or `all`, a URL, or the ports of boards. */
  readonly target: DeliveryTarget | string | { readonly ports: readonly string[] };
  readonly broker?: string;
  readonly topic?: string;
  readonly qos?: number;
  readonly retain?: boolean;
  /** The HTTP method. */
  readonly method?: string;
}

/** What a delivery needs of the `deploy` that runs it. */
export interface DeliveryJob {
  /** Ends the delivery. */
  readonly signal: AbortSignal;
  readonly events: DeliveryEvents;
  /** Returns the broker in this process, started with the first delivery that needs it. */
  embeddedBroker(): Promise<BrokerAddress>;
}

/** Receives what happens while a delivery runs. */
export interface DeliveryEvents {
  /** A device got further. */
  onDevice(device: DeviceProgress): void;
  /** So many bytes of the file have left; begins again at 0 when the delivery does. */
  onBytes(bytesSent: number): void;
  /** A sentence for people, and the one for those who want every detail. */
  onNote(text: string, detail?: string): void;
  /** A text for those who want every detail. */
  onDetail(text: string): void;
}

/** What a delivery came to. */
export interface DeliveryResult {
  readonly bytesSent: number;
  /** `undefined` if the way knows no chunks. */
  readonly chunksSent?: number;
  readonly devices?: readonly DeviceProgress[];
  /** What the other side said that the user should know, as sentences. */
  readonly notes?: readonly string[];
  /** Why the delivery failed. */
  readonly error?: OtaError | undefined;
  /** Whether the broker has the offer and no device was waited for. */
  readonly isOnlyOffered?: boolean;
}

/** Makes the error of a delivery that was interrupted. */
export function interruptedError(): OtaError<"delivery/interrupted"> {
  const hint = "devices keep the offer and what they have: the same deploy again goes on from there";
  return new OtaError("delivery/interrupted", "interrupted", {}, { hint });
}
