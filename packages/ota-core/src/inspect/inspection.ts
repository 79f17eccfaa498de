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
  /** Size in bytes of what was inspected. */
  readonly size: number;
  /** What is wrong. */
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
  /** Where its data begins in the image, in bytes. */
  readonly offset: number;
  readonly size: number;
  /** What its load address is: flash mapped as data or code, memory, or padding that goes nowhere. */
  readonly memory: "drom" | "irom" | "flash" | "psram" | "dram" | "ram" | "padding";
}

/** What app images and bootloader images have in common. Fields are `null` where the file ends before them. */
interface ImageInspection extends InspectionBase {
  /** `null` for an id that no supported chip has. */
  readonly chip: ChipName | null;
  readonly chipId: number | null;
  /** Chip revisions it runs on, for example `0.3`; `null` for no limit. */
  readonly minChipRevision: string | null;
  readonly maxChipRevision: string | null;
  readonly flashMode: string | null;
  /** Size of the flash that the header states, in bytes. */
  readonly flashSize: number | null;
  readonly entryAddress: number | null;
  readonly segments: readonly InspectedSegment[];
  /** Size in bytes of header, segments, checksum and hash. */
  readonly imageSize: number | null;
  /** How many bytes follow the image, and what they are. */
  readonly trailingSize: number;
  readonly trailing: "nothing" | "erased" | "signature" | "data";
  readonly checksum: InspectedSum<number> | null;
  /** `null` also where the image has none. */
  readonly hash: InspectedSum<string> | null;
  readonly signature: InspectedSignature | null;
  /** SHA-256 of everything inspected. */
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
  /** Whether the image hashes to `imageDigest`; `null` where there is no image to hash. */
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
  /** Keyword of the type and subtype, for example `app` and `ota_0`; hexadecimal where there is none. */
  readonly type: string;
  readonly subtype: string;
  readonly offset: number;
  readonly size: number;
  readonly encrypted: boolean;
  readonly readonly: boolean;
}

/** A partition table that would allow updates. */
export interface SuggestedTable {
  /** The flash it is for, in bytes. */
  readonly flashSize: number;
  /** Size of each of its two slots, in bytes. */
  readonly slotSize: number;
  /** In the format of `partitions.csv`. */
  readonly csv: string;
}

/** A partition table, binary or CSV. */
export interface PartitionTableInspection extends InspectionBase {
  readonly type: "partition-table";
  readonly format: "binary" | "csv";
  readonly partitions: readonly InspectedPartition[];
  readonly md5: "valid" | "mismatch" | "absent" | null;
  /** How many OTA slots the app counts. */
  readonly slotCount: number;
  /** Whether an app can be updated over and over: two slots or more, and otadata. */
  readonly updatable: boolean;
  /** Size of the flash in bytes: the stated one, or what the partitions need. */
  readonly flashSize: number;
  /** `null` where the table is updatable, or the flash too small. */
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
  /** Index of the slot it selects; `null` where the number of slots isn't known. */
  readonly slot: number | null;
}

/** An otadata partition. */
export interface OtadataInspection extends InspectionBase {
  readonly type: "otadata";
  readonly entries: readonly InspectedOtadataEntry[];
  /** Index of the entry that the bootloader follows. */
  readonly active: number | null;
}

/** One value of an NVS partition. */
export interface InspectedNvsEntry {
  /** `null` where the partition has no name for the namespace. */
  readonly namespace: string | null;
  readonly key: string;
  readonly type: NvsValueType;
  /** Size of the value in bytes; a string's without its NUL. */
  readonly size: number;
  /** Decimal digits for 64-bit integers, hexadecimal for blobs; `null` where it is masked or damaged. */
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
  /** How much of it the file has. */
  readonly present: "whole" | "part" | "none";
  readonly erased: boolean;
  /** `null` for erased partitions, and for those whose format isn't read. */
  readonly contents: Inspection | null;
}

/** A whole flash, or the beginning of one. */
export interface FlashInspection extends InspectionBase {
  readonly type: "flash";
  /** Flash address of the file's first byte: 0, or where a merged image goes that begins with its bootloader. */
  readonly startsAt: number;
  readonly chip: ChipName | null;
  readonly bootloaderOffset: number | null;
  readonly bootloader: BootloaderInspection | null;
  readonly partitionTableOffset: number | null;
  readonly partitionTable: PartitionTableInspection | null;
  readonly partitions: readonly FlashPartition[];
  /** Label of the partition that the bootloader selects, before it checks the content. */
  readonly boot: string | null;
}

/** A file of another kind. */
export interface UnknownInspection extends InspectionBase {
  readonly type: "unknown";
  /** What it seems to be, in a few words. */
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
  /** Whether strings and blobs of NVS are shown. */
  readonly showSecrets?: boolean;
  /** Size of the flash in bytes. */
  readonly flashSize?: number | undefined;
}
