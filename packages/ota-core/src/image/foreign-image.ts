import { viewOf } from "../bytes.ts";
import { APP_IMAGE_MAGIC } from "./app-image-header.ts";
import type { AppImageReport } from "./app-image-scanner.ts";
import { chipById, isMappedAddress } from "./chips.ts";

/**
 * Recognizes a file that is not an ESP32 app image by its first bytes.
 *
 * @param head - The first 24 bytes of the file, or all of a shorter file.
 * @returns A phrase to follow the words "this is", or `undefined` if the first bytes don't tell.
 */
export function foreignFile(head: Uint8Array): string | undefined {
  const view = viewOf(head);
  if (head.length >= 4 && view.getUint32(0) === 0x7f454c46) return "an ELF file; the image has the extension .bin";
  if (head.length >= 4 && view.getUint32(0) === 0x5546320a)
    return "a UF2 file; package takes the .bin from which it was made";
  return isEsp8266Image(head) ? "an image for the ESP8266; only chips of the ESP32 family are supported" : undefined;
}

/**
 * Returns `true` if an image without an app descriptor is a second-stage bootloader: all of its segments are loaded
 * into RAM, whereas an app has segments that are mapped from flash (`load_image` and `unpack_load_app` in
 * `bootloader_utility.c`).
 */
export function isBootloader({ header, segments }: AppImageReport["image"]): boolean {
  const chip = chipById(header.chipId);
  return chip !== undefined && segments.length > 0 && !segments.some((it) => isMappedAddress(chip, it.loadAddress));
}

/**
 * Returns `true` if an image is for the ESP8266: its segments begin at offset 8, an ESP32 image's at 24.
 *
 * @param bytes - The image; only the first 16 bytes are read.
 * @see esptool, `ESP8266ROMFirmwareImage`.
 */
export function isEsp8266Image(bytes: Uint8Array): boolean {
  if (bytes.length < 16 || bytes[0] !== APP_IMAGE_MAGIC) return false;
  const view = viewOf(bytes);
  const isCode = (address: number) =>
    (address >= 0x4010_0000 && address < 0x4011_0000) || (address >= 0x4020_0000 && address < 0x4030_0000);
  const loadAddress = view.getUint32(8, true);
  const isData = loadAddress >= 0x3ffe_8000 && loadAddress < 0x4000_0000;
  return isCode(view.getUint32(4, true)) && (isCode(loadAddress) || isData);
}
