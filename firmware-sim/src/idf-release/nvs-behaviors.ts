import type { NvsBehaviors } from "@tinybms/ota-core/esp";
import type { BehaviorRow } from "./behavior-row.ts";

/** The name of a row of {@link NVS_BEHAVIORS}. */
export type NvsBehavior = keyof NvsBehaviors;

/** What differs between releases in NVS. */
export const NVS_BEHAVIORS: Readonly<Record<NvsBehavior, BehaviorRow>> = {
  checksEntryFields: {
    call: "every call that reads an entry",
    since: ["5.0.8", "5.1.6", "5.2.4", "5.3.2", "5.4"],
    before: "takes an entry whose CRC is right",
    after: "checks the type, span and size of an entry besides its CRC",
    judge: "vectors",
  },
  acceptsFloats: {
    call: "every call that reads an entry",
    since: ["6.1"],
    before: "erases entries of the types float and double, whose fields it does not know",
    after: "takes entries of the types float and double for whole ones",
    judge: "sources",
  },
  zeroesDiscardedEntries: {
    call: "nvs_flash_init",
    since: ["6.0.1"],
    before: "marks entries that it discards as erased",
    after: "overwrites entries that it discards with zeros as well",
    judge: "vectors",
  },
  marksFreeingFirst: {
    call: "nvs_set_*",
    since: ["5.1.7", "5.2.7", "5.3.5", "5.4.4", "5.5.3"],
    before: "activates the page that takes the items before it marks the other as freeing",
    after: "marks a page as freeing before it activates the page that takes its items",
    judge: "vectors",
  },
  replacesOtherTypes: {
    call: "nvs_set_*",
    since: ["5.1.7", "5.2"],
    before: "leaves the key's value of another type beside the new one",
    after: "a value replaces the key's value of another type",
    judge: "vectors",
  },
  findsOtherTypeByPage: {
    call: "nvs_set_*",
    since: ["5.1.7", "5.2.7", "5.3.5", "5.4.4", "5.5.2"],
    before: "of several values of other types, replaces the one whose type comes first in a list",
    after: "of several values of other types, replaces the one in the oldest page",
    judge: "sources",
  },
  tracksMovedPages: {
    call: "nvs_set_*",
    since: ["5.1.7", "5.2.7", "5.3.5", "5.4.4", "5.5"],
    before: "looks for the old value in the page where it was, unless that page is blank now",
    after: "notices by the sequence number that the page of the old value was moved",
    judge: "vectors",
  },
  rewritesUnchangedBlobs: {
    call: "nvs_set_blob",
    since: ["5.1.7", "5.2.7", "5.3.5", "5.4.4", "5.5.2"],
    before: "writes nothing if the blob has these bytes already",
    after: "writes an unchanged blob of several chunks, or of no bytes, again",
    judge: "vectors",
  },
  erasesChunksByIndex: {
    call: "nvs_set_blob, nvs_erase_key",
    since: ["5.1.7", "5.2.7", "5.3.5", "5.4.4", "5.5.2"],
    before: "erases an old blob's chunks page by page; nvs_erase_key both halves of their indices",
    after: "erases an old blob's chunks in the order of their indices, those that its index names",
    judge: "vectors",
  },
  cleansUpOwnChunks: {
    call: "nvs_set_blob",
    since: ["6.2-dev"],
    before: "if it fails, erases chunks with indices from 0 in the pages that it wrote, be they the old blob's",
    after: "if it fails, erases the chunks that it wrote",
    judge: "vectors",
  },
  prefersBlobIndex: {
    call: "nvs_get_blob",
    since: ["5.1.7", "5.2.7", "5.3.5", "5.4.4", "5.5.2"],
    before: "takes the size from a blob of format version 1 under the key, and fails if the index says another",
    after: "takes the size from the index of the blob",
    judge: "sources",
  },
  countsAvailableEntries: {
    call: "nvs_get_stats",
    since: ["5.2"],
    before: "has no available_entries",
    after: "counts in available_entries what can still be written",
    judge: "vectors",
  },
};
