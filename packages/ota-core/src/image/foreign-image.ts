import { viewOf } from "../bytes.ts";
import { APP_IMAGE_MAGIC } from "./app-image-header.ts";
import type { AppImageReport } from "./app-image-scanner.ts";
import { chipById, isMappedAddress } from "./chips.ts";

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

/**
 * Whether an image that begins with 0xE9 is an ESP8266's: its segments begin at 8, where those of an ESP32 begin at 24
 * (esptool's `ESP8266ROMFirmwareImage`).
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
