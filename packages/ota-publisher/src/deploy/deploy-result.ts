import type { DeviceProgress, DeviceState, OtaError } from "@tinybms/ota-core";
import type { DeliveryPlace } from "./ways/way.ts";
import type { PlannedDelivery } from "./ways.ts";

/** What a deploy came to: what `tinybms-ota deploy --json` prints. It holds no secret. */
export interface DeployResult {
  readonly version: string;
  /** Whether nothing was sent. */
  readonly dryRun: boolean;
  /** Artifacts in order, each over its ways in order. */
  readonly deliveries: readonly DeployedArtifact[];
  /** What was left out, and what the user should know, as sentences. */
  readonly warnings: readonly string[];
  /** Why the first delivery that failed did so; absent if all went well. */
  readonly error?: OtaError;
}

/** One artifact over one way. */
export interface DeployedArtifact extends DeliveryPlace {
  /** Name of the artifact. */
  readonly artifact: string;
  /** `mqtt`, `https` or `serial`. */
  readonly transport: string;
  /** How the transport carries it: `chunked`, `blob`, `body`, `multipart` or `flash`. */
  readonly mode: string;
  /** Of the file, in bytes. */
  readonly size: number;
  /** SHA-256 of the file, 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /** Bytes that were sent of it, repetitions counted. */
  readonly bytesSent: number;
  /** Chunks that were sent, repetitions counted. */
  readonly chunksSent: number;
  readonly durationMs: number;
  /** `offered`: the broker has the offer, and no device was waited for. */
  readonly outcome: "planned" | "delivered" | "offered" | "failed";
  /** What devices said, in the order of their names. */
  readonly devices: readonly DeployedDevice[];
  /** What the other side said that the user should know, as sentences. */
  readonly notes?: readonly string[];
  /** Why the delivery failed. */
  readonly error?: OtaError;
}

/** A device in a delivery. */
export interface DeployedDevice {
  readonly device: string;
  /** Its last state; `null` if nothing was heard of it. */
  readonly state: DeviceState | null;
  /** Version of the app that it runs; `null` if nothing was heard of it. */
  readonly version: string | null;
  readonly slot: string | null;
  /** From the start of the delivery, in milliseconds. */
  readonly endedAfterMs?: number;
  /** Why it did not take the image. */
  readonly error?: NonNullable<DeviceProgress["error"]>;
}

/** How one delivery went. */
export interface DeliveryRecord {
  readonly planned: PlannedDelivery;
  readonly outcome: DeployedArtifact["outcome"];
  readonly durationMs: number;
  readonly bytesSent: number;
  /** `undefined` if the way knows no chunks. */
  readonly chunksSent?: number;
  readonly devices: readonly DeviceProgress[];
  readonly notes: readonly string[];
  readonly error?: OtaError | undefined;
}

/** Records a delivery that was not begun. */
export function plannedRecord(planned: PlannedDelivery): DeliveryRecord {
  return { planned, outcome: "planned", durationMs: 0, bytesSent: 0, devices: [], notes: [] };
}

/** Writes the document of one delivery. */
export function artifactDocument({ planned, ...record }: DeliveryRecord): DeployedArtifact {
  const { way, artifact, description } = planned;
  const { mode, place, file } = description;
  const { outcome, devices, durationMs, bytesSent, chunksSent = 0, notes, error } = record;
  return {
    ...{ artifact, transport: way.transport, mode, ...place, size: file.sizeBytes, sha256: file.sha256 },
    ...{ bytesSent, chunksSent, durationMs: Math.round(durationMs), outcome, devices: devices.map(deviceDocument) },
    ...(notes.length === 0 ? {} : { notes }),
    ...(error === undefined ? {} : { error }),
  };
}

function deviceDocument({ device, state, version, slot, error, endedAtMs }: DeviceProgress): DeployedDevice {
  return {
    ...{ device, state: state ?? null, version: version ?? null, slot: slot ?? null },
    ...(endedAtMs === undefined ? {} : { endedAfterMs: Math.round(endedAtMs) }),
    ...(error === undefined ? {} : { error }),
  };
}
