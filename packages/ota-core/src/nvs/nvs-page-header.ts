import { viewOf } from "../bytes.ts";
import { crc32 } from "../crc32.ts";
import { NVS_CRC_SEED } from "./nvs-entry.ts";
import { assertNvsSize } from "./nvs-size.ts";

/** A page is one flash sector: its size in bytes. */
export const NVS_PAGE_SIZE = 4096;
/** Size of a page's header in bytes. */
export const NVS_PAGE_HEADER_SIZE = 32;
/** Version of the format with blobs that may span pages. Versions count downwards. */
export const NVS_VERSION = 0xfe;

/** State words of a page in flash. Each clears one more bit of the one before. */
export const NVS_PAGE_STATE_WORDS = {
  uninitialized: 0xffff_ffff,
  active: 0xffff_fffe,
  full: 0xffff_fffc,
  freeing: 0xffff_fff8,
} as const;

/**
 * State of a page.
 *
 * - `uninitialized`: blank.
 * - `active`: receives new items.
 * - `full`: receives no further items.
 * - `freeing`: its items are being moved to another page.
 * - `corrupt`: in memory only; its content is ignored, and it is erased before its next use.
 */
export type NvsPageState = keyof typeof NVS_PAGE_STATE_WORDS | "corrupt";

/** Fields of a page's header. */
export interface NvsPageHeader {
  /** State from the state word; `corrupt` for an unknown value. The CRC does not cover it. */
  readonly state: NvsPageState;
  /** Sequence number, which counts activated pages from 0. Newer pages have larger numbers. */
  readonly sequence: number;
  readonly version: number;
  /** `true` if the CRC of bytes 4 to 27 matches. */
  readonly crcMatches: boolean;
}

/**
 * Reads the header at the start of a page (ESP-IDF `Page::Header`). Any 32 bytes give a header.
 *
 * @throws {@link OtaError} `image/truncated` below 32 bytes.
 */
export function parseNvsPageHeader(page: Uint8Array): NvsPageHeader {
  assertNvsSize(page, NVS_PAGE_HEADER_SIZE, "header of an NVS page");
  const view = viewOf(page);
  const word = view.getUint32(0, true);
  return {
    state: stateOf(word),
    sequence: view.getUint32(4, true),
    version: view.getUint8(8),
    crcMatches: view.getUint32(28, true) === crc32(page.subarray(4, 28), NVS_CRC_SEED),
  };
}

/** Builds the 32 bytes of an active page's header. */
export function buildNvsPageHeader(sequence: number, version: number): Uint8Array {
  const header = new Uint8Array(NVS_PAGE_HEADER_SIZE).fill(0xff);
  const view = viewOf(header);
  view.setUint32(0, NVS_PAGE_STATE_WORDS.active, true);
  view.setUint32(4, sequence, true);
  view.setUint8(8, version);
  view.setUint32(28, crc32(header.subarray(4, 28), NVS_CRC_SEED), true);
  return header;
}

function stateOf(word: number): NvsPageState {
  switch (word) {
    case NVS_PAGE_STATE_WORDS.uninitialized:
      return "uninitialized";
    case NVS_PAGE_STATE_WORDS.active:
      return "active";
    case NVS_PAGE_STATE_WORDS.full:
      return "full";
    case NVS_PAGE_STATE_WORDS.freeing:
      return "freeing";
    default:
      return "corrupt";
  }
}
