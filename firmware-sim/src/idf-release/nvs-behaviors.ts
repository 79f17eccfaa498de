import type { NvsBehaviors } from "@tinybms/ota-core/esp";
import type { BehaviorRow } from "./behavior-row.ts";

/** Name of a row of {@link NVS_BEHAVIORS}. */
export type NvsBehavior = keyof NvsBehaviors;

/** Differences between releases in NVS. */
export const NVS_BEHAVIORS: Readonly<Record<NvsBehavior, BehaviorRow>> = {
  checksEntryFields: {
    call: "every call that reads an entry",
    since: ["5.0.8", "5.1.6", "5.2.4", "5.3.2", "5.4"],
    before: "accepts an entry with a correct CRC",
    after: "also checks the type, span and size of an entry",
    judge: "vectors",
  },
  acceptsFloats: {
    call: "every call that reads an entry",
    since: ["6.1"],
    before: "erases entries of types float and double, which it does not know",
    after: "accepts entries of types float and double",
    judge: "sources",
  },
  zeroesDiscardedEntries: {
    call: "nvs_flash_init",
    since: ["6.0.1"],
    before: "marks entries that it discards as erased",
    after: "also overwrites entries that it discards with zeros",
    judge: "vectors",
  },
  marksFreeingFirst: {
    call: "nvs_set_*",
    since: ["5.1.7", "5.2.7", "5.3.5", "5.4.4", "5.5.3"],
    before: "activates the page that receives the items before it marks the other one as freeing",
    after: "marks a page as freeing before it activates the page that receives its items",
    judge: "vectors",
  },
  replacesOtherTypes: {
    call: "nvs_set_*",
    since: ["5.1.7", "5.2"],
    before: "keeps the key's value of another type in addition to the new one",
    after: "replaces the key's value of another type",
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
    before: "looks for the old value in its earlier page, unless that page is now blank",
    after: "detects by the sequence number that the page of the old value was moved",
    judge: "vectors",
  },
  rewritesUnchangedBlobs: {
    call: "nvs_set_blob",
    since: ["5.1.7", "5.2.7", "5.3.5", "5.4.4", "5.5.2"],
    before: "writes nothing if the blob is unchanged",
    after: "rewrites an unchanged blob that has several chunks or is empty",
    judge: "vectors",
  },
  erasesChunksByIndex: {
    call: "nvs_set_blob, nvs_erase_key",
    since: ["5.1.7", "5.2.7", "5.3.5", "5.4.4", "5.5.2"],
    before: "erases an old blob's chunks page by page; nvs_erase_key erases both ranges of chunk indexes",
    after: "erases the chunks that an old blob's index lists, in the order of their indexes",
    judge: "vectors",
  },
  cleansUpOwnChunks: {
    call: "nvs_set_blob",
    since: ["6.2-dev"],
    before: "on failure, erases chunks with indexes from 0 in the pages that it wrote, even those of the old blob",
    after: "on failure, erases the chunks that it wrote",
    judge: "vectors",
  },
  prefersBlobIndex: {
    call: "nvs_get_blob",
    since: ["5.1.7", "5.2.7", "5.3.5", "5.4.4", "5.5.2"],
    before: "reads the size from a blob of format version 1 with the key, and fails if the index has another size",
    after: "reads the size from the blob's index",
    judge: "sources",
  },
  countsAvailableEntries: {
    call: "nvs_get_stats",
    since: ["5.2"],
    before: "does not report available_entries",
    after: "reports in available_entries how many entries can still be written",
    judge: "vectors",
  },
};
