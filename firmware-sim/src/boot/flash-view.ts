import { EncryptedFlash } from "../flash/encrypted-flash.ts";
import type { FlashAccess } from "../flash/flash-reader.ts";
import type { NorFlash } from "../flash/nor-flash.ts";
import type { Efuse } from "./efuse.ts";

/** Returns the flash as software sees it through the chip: decrypted if the eFuses enable encryption. */
export function flashViewOf({ flash, efuse }: { readonly flash: NorFlash; readonly efuse: Efuse }): FlashAccess {
  return efuse.flashEncryptionKey === undefined ? flash : new EncryptedFlash(flash, efuse.flashEncryptionKey);
}
