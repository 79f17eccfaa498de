import type { OutputOptions } from "@tinybms/cli-kit/output";
import type { Provisioning } from "@tinybms/ota-core/esp";
import type { PartitionPlaceOptions } from "../partition-places.ts";

/** Options of `tinybms-ota provision`, as commander reads them. */
export interface ProvisionCommandOptions extends OutputOptions, PartitionPlaceOptions {
  /** Names of devices. */
  readonly device?: readonly string[];
  /** CSV file of devices. */
  readonly devices?: string;
  /** The NVS partition of the one device. */
  readonly out?: string;
  /** Folder for any number of devices. */
  readonly outDir?: string;
  /** JSON file of members that all devices share. */
  readonly from?: string;
  readonly manifest: string;
  /** Folder of key sets. */
  readonly keys?: string;
  readonly broker?: string;
  readonly topic?: string;
  readonly product?: string;
  /** File of a key set's envelope. */
  readonly keySet?: string;
  readonly allowUnsigned?: boolean;
  /** PEM files. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Bytes. */
  readonly nvsSize?: number;
  readonly partitionTable?: string;
  /** CSV files of the app's own namespaces. */
  readonly csv?: readonly string[];
  readonly csvOut?: string;
  readonly brokerAcl?: "mosquitto";
  /** User name of who publishes. */
  readonly publisher: string;
  readonly encrypt?: boolean;
  /** Have devices send passwords unencrypted to another machine. */
  readonly allowInsecure?: boolean;
}

/** Some members of a provisioning, before it is known whether they make a whole. */
export type ProvisioningMembers = Partial<Provisioning>;
