import { viewOf } from "../bytes.ts";
import type { AppImageReport } from "../image/app-image-scanner.ts";
import { chipById, isMappedAddress } from "../image/chips.ts";
import { isEsp8266Image } from "../inspect/foreign-file.ts";

/**
 * What a file is that begins like no app image of an ESP32, as far as its first bytes tell.
 *
 * @param head - The file from its first byte on, at least 24 bytes unless it has fewer.
 * @returns A phrase to stand after "this is"; `undefined` where the image must be read on.
 */
export function foreignFile(head: Uint8Array): string | undefined {
  const view = viewOf(head);
  if (head.length >= 4 && view.getUint32(0) === 0x7f454c46) return "an ELF file; the image has the extension .bin";
  if (head.length >= 4 && view.getUint32(0) === 0x5546320a) return "a UF2 file; package takes the .bin it was made of";
  return isEsp8266Image(head) ? "an image for the ESP8266; only chips of the ESP32 family are supported" : undefined;
}

/**
 * Whether an image without an app descriptor is a second-stage bootloader. That is loaded into RAM as a whole; an app
 * has code or constants that are mapped from flash (`bootloader_utility.c`, `load_image` and `unpack_load_app`).
 */
export function isBootloader({ header, segments }: AppImageReport["image"]): boolean {
  const chip = chipById(header.chipId);
  return chip !== undefined && segments.length > 0 && !segments.some((it) => isMappedAddress(chip, it.loadAddress));
}
