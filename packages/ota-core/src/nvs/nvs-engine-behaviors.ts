/** Differences in NVS between releases of ESP-IDF. Each member is `true` for ESP-IDF 6.2-dev. */
export interface NvsBehaviors {
  /** Checks an entry's type, span and size besides its CRC (`Item::checkHeaderConsistency`). */
  readonly checksEntryFields: boolean;
  /** Accepts entries of the types float and double. */
  readonly acceptsFloats: boolean;
  /** Overwrites entries that recovery discards with zeros, besides marking them as erased. */
  readonly zeroesDiscardedEntries: boolean;
  /** Marks a page as freeing before it activates the page that receives its items, not after. */
  readonly marksFreeingFirst: boolean;
  /** Replaces the key's value of another type. */
  readonly replacesOtherTypes: boolean;
  /** Searches for the key's value of another type page by page, not type by type. */
  readonly findsOtherTypeByPage: boolean;
  /** Detects by the sequence number, not only by the state, that a page was moved while a value was written. */
  readonly tracksMovedPages: boolean;
  /**
   * Writes an unchanged blob of several chunks or of no bytes again: compares each chunk's CRC with the beginning of
   * the data, and a chunk without bytes with a variable that nothing has set.
   */
  readonly rewritesUnchangedBlobs: boolean;
  /** Erases a blob's chunks by their indices, not page by page and in both halves of the indices. */
  readonly erasesChunksByIndex: boolean;
  /** Erases the chunks of a blob that could not be written, not those with indices from 0 in the pages written. */
  readonly cleansUpOwnChunks: boolean;
  /** Takes a blob's size from its index first, not from a blob of format version 1 under the same key. */
  readonly prefersBlobIndex: boolean;
  /** Counts the entries that can still be written (`nvs_stats_t.available_entries`). */
  readonly countsAvailableEntries: boolean;
}

/** ESP-IDF 6.2-dev (commit 10212290). */
export const NEWEST_NVS_BEHAVIORS: NvsBehaviors = {
  checksEntryFields: true,
  acceptsFloats: true,
  zeroesDiscardedEntries: true,
  marksFreeingFirst: true,
  replacesOtherTypes: true,
  findsOtherTypeByPage: true,
  tracksMovedPages: true,
  rewritesUnchangedBlobs: true,
  erasesChunksByIndex: true,
  cleansUpOwnChunks: true,
  prefersBlobIndex: true,
  countsAvailableEntries: true,
};
