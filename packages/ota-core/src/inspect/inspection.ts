import type { OtaErrorCode } from "../errors.ts";
import type { ChipName } from "../image/chips.ts";
import type { PartitionCsvOptions } from "../image/partition-csv.ts";
import type { SignatureScheme } from "../image/signature-block.ts";
import type { NvsPageState } from "../nvs/nvs-page-header.ts";
import type { NvsValueType } from "../nvs/nvs-value.ts";

/** One problem of a file, or one note about it. */
export interface InspectProblem {
  readonly code: OtaErrorCode;
  /** One sentence: the fault, its place, and the expected value. */
  readonly message: string;
  /** JSON pointer (RFC 6901) to the member of the inspection that the problem concerns. */
  readonly path?: string;
  /** Bytes from the start of the file; of a flash, its address. */
  readonly offset?: number;
}

/** Common fields of every inspection. They are JSON-safe; hashes and raw bytes are lower-case hexadecimal. */
export interface InspectionBase {
  /** `true` if there are no problems. */
  readonly valid: boolean;
  /** Number of inspected bytes. */
  readonly size: number;
  /** Faults that make the file invalid. */
  readonly problems: readonly InspectProblem[];
  /** Notes that are not problems of the file, but may be problems of its use. */
  readonly notes: readonly InspectProblem[];
}

/** A sum or hash, as stored and as computed. */
export interface InspectedSum<Value> {
  readonly offset: number;
  readonly stored: Value;
  readonly computed: Value;
  readonly matches: boolean;
}

/** One segment of an image. */
export interface InspectedSegment {
  readonly loadAddress: number;
  /** Offset of its data in the image, in bytes. */
  readonly offset: number;
  readonly size: number;
  /** Kind of memory at its load address: flash mapped as data or code, RAM, or padding, which is not loaded. */
  readonly memory: "drom" | "irom" | "flash" | "psram" | "dram" | "ram" | "padding";
}

/** Common fields of app and bootloader images. A field is `null` if the file ends before it. */
interface ImageInspection extends InspectionBase {
  /** `null` for an unknown chip id. */
  readonly chip: ChipName | null;
  readonly chipId: number | null;
  /** Lowest chip revision that it runs on, for example `0.3`; `null` for no limit. */
  readonly minChipRevision: string | null;
  readonly maxChipRevision: string | null;
  readonly flashMode: string | null;
  /** Flash size stated in the header, in bytes. */
  readonly flashSize: number | null;
  readonly entryAddress: number | null;
  readonly segments: readonly InspectedSegment[];
  /** Size in bytes of header, segments, checksum and hash. */
  readonly imageSize: number | null;
  /** Number of bytes after the image. `trailing` says what they are. */
  readonly trailingSize: number;
  readonly trailing: "nothing" | "erased" | "signature" | "data";
  readonly checksum: InspectedSum<number> | null;
  /** `null` also if the image has no hash. */
  readonly hash: InspectedSum<string> | null;
  readonly signature: InspectedSignature | null;
  /** SHA-256 of all inspected bytes. */
  readonly sha256: string;
}

/** An app image. */
export interface AppImageInspection extends ImageInspection {
  readonly type: "app-image";
  readonly descriptor: {
    readonly projectName: string;
    readonly version: string;
    readonly idfVersion: string;
    readonly date: string;
    readonly time: string;
    readonly secureVersion: number;
    readonly appElfSha256: string;
    readonly minEfuseBlockRevision: number;
    readonly maxEfuseBlockRevision: number;
    readonly mmuPageSize: number;
    readonly spiFlashMode: number;
  } | null;
}

/** A second-stage bootloader. */
export interface BootloaderInspection extends ImageInspection {
  readonly type: "bootloader";
  readonly descriptor: {
    readonly version: number;
    readonly secureVersion: number;
    readonly idfVersion: string;
    readonly dateTime: string;
  } | null;
}

/** One block of a signature sector. */
export interface InspectedSignatureBlock {
  readonly offset: number;
  readonly scheme: SignatureScheme;
  /** Digest that must be burned into the eFuses for this key to be trusted. */
  readonly keyDigest: string;
  readonly imageDigest: string;
  readonly crcMatches: boolean;
  /** Whether the image's hash equals `imageDigest`; `null` without an image. */
  readonly imageDigestMatches: boolean | null;
}

/** A signature sector. The signatures themselves are not verified here. */
export interface InspectedSignature {
  readonly offset: number;
  readonly version: 1 | 2;
  readonly blocks: readonly InspectedSignatureBlock[];
}

/** A signature sector without its image. */
export interface SignatureBlockInspection extends InspectionBase {
  readonly type: "signature-block";
  readonly blocks: readonly InspectedSignatureBlock[];
}

/** One partition of a table. */
export interface InspectedPartition {
  readonly label: string;
  /** Keywords of type and subtype, for example `app` and `ota_0`; hexadecimal numbers without keywords. */
  readonly type: string;
  readonly subtype: string;
  readonly offset: number;
  readonly size: number;
  readonly encrypted: boolean;
  readonly readonly: boolean;
}

/** A partition table that would allow updates. */
export interface SuggestedTable {
  /** Size of the flash that it is for, in bytes. */
  readonly flashSize: number;
  /** Size of each of its two slots, in bytes. */
  readonly slotSize: number;
  /** The table in the format of `partitions.csv`. */
  readonly csv: string;
}

/** A partition table, binary or CSV. */
export interface PartitionTableInspection extends InspectionBase {
  readonly type: "partition-table";
  readonly format: "binary" | "csv";
  readonly partitions: readonly InspectedPartition[];
  readonly md5: "valid" | "mismatch" | "absent" | null;
  /** Number of OTA slots as the app counts them. */
  readonly slotCount: number;
  /** Whether an app can be updated repeatedly: at least two slots, and otadata. */
  readonly updatable: boolean;
  /** Size of the flash in bytes: as stated, otherwise the size that the partitions need. */
  readonly flashSize: number;
  /** `null` if the table already allows updates, or the flash is too small. */
  readonly suggestion: SuggestedTable | null;
}

/** One select entry. */
export interface InspectedOtadataEntry {
  readonly offset: number;
  readonly sequence: number;
  readonly state: string;
  readonly crcMatches: boolean;
  readonly blank: boolean;
  /** `true` if the bootloader considers this entry. */
  readonly counts: boolean;
  /** Index of the selected slot; `null` if the number of slots isn't known. */
  readonly slot: number | null;
}

/** An otadata partition. */
export interface OtadataInspection extends InspectionBase {
  readonly type: "otadata";
  readonly entries: readonly InspectedOtadataEntry[];
  /** Index of the entry that the bootloader uses. */
  readonly active: number | null;
}

/** One value of an NVS partition. */
export interface InspectedNvsEntry {
  /** `null` if the partition has no name for the namespace. */
  readonly namespace: string | null;
  readonly key: string;
  readonly type: NvsValueType;
  /** Size of the value in bytes, without the NUL of a string. */
  readonly size: number;
  /** Decimal digits for 64-bit integers, hexadecimal for blobs; `null` if it is masked or damaged. */
  readonly value: number | string | null;
  readonly masked: boolean;
  readonly damaged: boolean;
  readonly offset: number;
}

/** An NVS partition. */
export interface NvsInspection extends InspectionBase {
  readonly type: "nvs";
  readonly version: 1 | 2 | null;
  readonly namespaces: readonly { readonly name: string; readonly index: number }[];
  readonly entries: readonly InspectedNvsEntry[];
  readonly pages: readonly {
    readonly offset: number;
    readonly state: NvsPageState;
    readonly sequence: number | null;
    readonly used: number;
    readonly erased: number;
    readonly free: number;
  }[];
}

/** Partition of a flash and its content. */
export interface FlashPartition extends InspectedPartition {
  /** How much of the partition the file contains. */
  readonly present: "whole" | "part" | "none";
  readonly erased: boolean;
  /** `null` for erased partitions and unsupported formats. */
  readonly contents: Inspection | null;
}

/** A whole flash, or the beginning of one. */
export interface FlashInspection extends InspectionBase {
  readonly type: "flash";
  /** Flash address of the file's first byte: 0, or the bootloader's offset if a merged image begins with it. */
  readonly startsAt: number;
  readonly chip: ChipName | null;
  readonly bootloaderOffset: number | null;
  readonly bootloader: BootloaderInspection | null;
  readonly partitionTableOffset: number | null;
  readonly partitionTable: PartitionTableInspection | null;
  readonly partitions: readonly FlashPartition[];
  /** Label of the partition that the bootloader selects before it checks any content. */
  readonly boot: string | null;
}

/** A file of an unsupported format. */
export interface UnknownInspection extends InspectionBase {
  readonly type: "unknown";
  /** Guess of the format, in a few words. */
  readonly description: string;
}

/** Result of inspecting a file. */
export type Inspection =
  | AppImageInspection
  | BootloaderInspection
  | PartitionTableInspection
  | OtadataInspection
  | NvsInspection
  | SignatureBlockInspection
  | FlashInspection
  | UnknownInspection;

/** Options of an inspection, including the offsets of {@link PartitionCsvOptions}. */
export interface InspectOptions extends PartitionCsvOptions {
  /** Whether to show strings and blobs of NVS. */
  readonly showSecrets?: boolean;
  /** Size of the flash in bytes. */
  readonly flashSize?: number | undefined;
}
