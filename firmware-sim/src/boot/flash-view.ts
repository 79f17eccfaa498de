import { EncryptedFlash } from "../flash/encrypted-flash.ts";
import type { FlashAccess } from "../flash/flash-reader.ts";
import type { NorFlash } from "../flash/nor-flash.ts";
import type { Efuse } from "./efuse.ts";

/** The flash as software sees it through the chip: deciphered, where the eFuses say that it is encrypted. */
export function flashViewOf({ flash, efuse }: { readonly flash: NorFlash; readonly efuse: Efuse }): FlashAccess {
  return efuse.flashEncryptionKey === undefined ? flash : new EncryptedFlash(flash, efuse.flashEncryptionKey);
}
