import { utf8 } from "@tinybms/ota-core";
import type { DumpedBoard } from "./dumped-board.ts";
import type { KnownEfuses } from "./efuse-file.ts";

/** Build options of a board's bootloader, as far as the dump shows them; `undefined` if it doesn't. */
export interface BootloaderEvidence {
  readonly rollback: boolean | undefined;
  readonly antiRollback: boolean | undefined;
  /** Secure boot v2. */
  readonly secureBoot: boolean;
}

/** Log messages of `bootloader_utility.c` at level info: in every build, and only with anti-rollback. */
const LOADED_APP = utf8("Loaded app from partition at offset");
const ANTI_ROLLBACK = utf8("Enabled a check secure version of app for anti rollback");

/**
 * Determines build options of a bootloader from the log messages in its image, its signature, and states in otadata that
 * only a bootloader with rollback writes.
 */
export function bootloaderEvidence({ bytes, inspection }: DumpedBoard, efuses: KnownEfuses): BootloaderEvidence {
  const { bootloader, bootloaderOffset, partitions } = inspection;
  const start = bootloaderOffset ?? 0;
  const image = bytes.subarray(start, start + (bootloader?.imageSize ?? 0));
  const antiRollback = antiRollbackIn(image, efuses);
  const entries = partitions.flatMap(({ contents }) => (contents?.type === "otadata" ? contents.entries : []));
  const isRolledBack = entries.some(
    ({ state, crcMatches }) => crcMatches && (state === "pending-verify" || state === "aborted"),
  );
  const isSigned = bootloader?.signature?.version === 2 && bootloader.signature.blocks.length > 0;
  return {
    rollback: isRolledBack || antiRollback === true ? true : undefined,
    antiRollback,
    secureBoot: efuses.secureBoot ?? isSigned,
  };
}

function antiRollbackIn(image: Uint8Array, { secureVersion = 0 }: KnownEfuses): boolean | undefined {
  // Only anti-rollback burns a secure version.
  if (secureVersion > 0 || includes(image, ANTI_ROLLBACK)) return true;
  return includes(image, LOADED_APP) ? false : undefined;
}

function includes(bytes: Uint8Array, text: Uint8Array): boolean {
  for (let at = bytes.indexOf(text[0] ?? 0); at >= 0; at = bytes.indexOf(text[0] ?? 0, at + 1)) {
    if (text.every((byte, index) => bytes[at + index] === byte)) return true;
  }
  return false;
}
