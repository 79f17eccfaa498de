import type { OutputOptions } from "@tinybms/cli-kit/output";
import type { Provisioning } from "@tinybms/ota-core/esp";
import type { PartitionPlaceOptions } from "../partition-places.ts";

/** Options of `tinybms-ota provision`, as commander parses them. */
export interface ProvisionCommandOptions extends OutputOptions, PartitionPlaceOptions {
  /** Device IDs. */
  readonly device?: readonly string[];
  /** Path of a device list. */
  readonly devices?: string;
  /** Path of the NVS partition of a single device. */
  readonly out?: string;
  /** Folder for the partitions of all devices. */
  readonly outDir?: string;
  /** Path of a JSON file with settings for all devices. */
  readonly from?: string;
  readonly manifest: string;
  /** Folder of the key sets. */
  readonly keys?: string;
  readonly broker?: string;
  readonly topic?: string;
  readonly product?: string;
  /** Path of a key set. */
  readonly keySet?: string;
  readonly allowUnsigned?: boolean;
  /** Path of the CA certificates (PEM). */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Size of the NVS partition, in bytes. */
  readonly nvsSize?: number;
  readonly partitionTable?: string;
  /** Paths of CSV files with the app's namespaces. */
  readonly csv?: readonly string[];
  readonly csvOut?: string;
  readonly brokerAcl?: "mosquitto";
  /** User name of the publisher. */
  readonly publisher: string;
  readonly encrypt?: boolean;
  /** Allows devices to send passwords unencrypted to another machine. */
  readonly allowInsecure?: boolean;
}

/** Members of a provisioning, possibly incomplete. */
export type ProvisioningMembers = Partial<Provisioning>;
