import type { DeliveryLimit, DeviceProgress, DeviceState, OtaError } from "@tinybms/ota-core";
import type { ShownDevice } from "../console/device-text.ts";
import { definedMembers } from "../defined-members.ts";
import type { DeliveryPlace } from "./ways/way.ts";
import type { PlannedDelivery } from "./ways.ts";

/** Result of a deploy, and the document of `tinybms-ota deploy --json`. It contains no secret. */
export interface DeployResult {
  readonly version: string;
  /** `true` if nothing was sent. */
  readonly dryRun: boolean;
  /** Deliveries: artifacts in order, each by its ways in order. */
  readonly deliveries: readonly DeployedArtifact[];
  /** Warnings, as sentences, such as what was left out. */
  readonly warnings: readonly string[];
  /** Error of the first failed delivery. Absent if all succeeded. */
  readonly error?: OtaError;
}

/** Delivery of one artifact by one way. */
export interface DeployedArtifact extends DeliveryPlace {
  /** Name of the artifact. */
  readonly artifact: string;
  /** `mqtt`, `https` or `serial`. */
  readonly transport: string;
  /** Mode of the transport: `chunked`, `blob`, `body`, `multipart` or `flash`. */
  readonly mode: string;
  /** Size of the file, in bytes. */
  readonly size: number;
  /** SHA-256 of the file, 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /** Bytes sent, including repetitions. */
  readonly bytesSent: number;
  /** Chunks sent, including repetitions. */
  readonly chunksSent: number;
  readonly durationMs: number;
  /** `offered` means that the broker retains the offer and `deploy` waited for no device. */
  readonly outcome: "planned" | "delivered" | "offered" | "failed";
  /** Devices and their last reports, sorted by name. */
  readonly devices: readonly DeployedDevice[];
  /** What limited the delivery most of the time: this publisher's `rate`, the `broker` or the `devices`. */
  readonly limitedBy?: DeliveryLimit;
  /** Messages from the receiver for the user, as sentences. */
  readonly notes?: readonly string[];
  /** Error of a failed delivery. */
  readonly error?: OtaError;
}

/** A device in a delivery. */
export interface DeployedDevice {
  readonly device: string;
  /** Last reported state; `null` if the device reported nothing. */
  readonly state: DeviceState | null;
  /** Version of the running app; `null` if the device reported nothing. */
  readonly version: string | null;
  /** Versions of the release line that contain the running image. Absent if the device reported no image. */
  readonly releases?: readonly string[];
  readonly slot: string | null;
  /** `true` if the device sent more requests or reports than the publisher takes. */
  readonly noisy?: true;
  /** When the device finished, in milliseconds since the start of the delivery. */
  readonly endedAfterMs?: number;
  /** Why the device did not install the image. */
  readonly error?: NonNullable<DeviceProgress["error"]>;
}

/** Record of one delivery. */
export interface DeliveryRecord {
  readonly planned: PlannedDelivery;
  readonly outcome: DeployedArtifact["outcome"];
  readonly durationMs: number;
  readonly bytesSent: number;
  /** `undefined` if the way sends no chunks. */
  readonly chunksSent?: number;
  readonly devices: readonly ShownDevice[];
  readonly limitedBy?: DeliveryLimit | undefined;
  readonly notes: readonly string[];
  readonly error?: OtaError | undefined;
}

/** Creates the record of a delivery that has not started. */
export function plannedRecord(planned: PlannedDelivery): DeliveryRecord {
  return { planned, outcome: "planned", durationMs: 0, bytesSent: 0, devices: [], notes: [] };
}

/** Builds the document of one delivery. */
export function artifactDocument({ planned, ...record }: DeliveryRecord): DeployedArtifact {
  const { way, artifact, description } = planned;
  const { mode, place, file } = description;
  const { outcome, devices, durationMs, bytesSent, chunksSent = 0, limitedBy, notes, error } = record;
  return {
    ...{ artifact, transport: way.transport, mode, ...place, size: file.sizeBytes, sha256: file.sha256 },
    ...{ bytesSent, chunksSent, durationMs: Math.round(durationMs), outcome, devices: devices.map(deviceDocument) },
    ...(notes.length === 0 ? {} : { notes }),
    ...definedMembers({ limitedBy, error }),
  };
}

function deviceDocument(shown: ShownDevice): DeployedDevice {
  const { device, state, version, releases, slot, isNoisy, error, endedAtMs } = shown;
  return {
    ...{ device, state: state ?? null, version: version ?? null, slot: slot ?? null },
    ...(isNoisy === true ? { noisy: true } : {}),
    ...(endedAtMs === undefined ? {} : { endedAfterMs: Math.round(endedAtMs) }),
    ...definedMembers({ releases, error }),
  };
}
