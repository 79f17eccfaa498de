import { viewOf } from "@tinybms/ota-core";
import { APP_IMAGE_MAGIC, PARTITION_TABLE_OFFSET } from "@tinybms/ota-core/esp";
import type { Hardware } from "../boot/boot-options.ts";

/** First byte of a partition table. */
const TABLE_MAGIC = 0xaa;

/** Returns the first word, little-endian, where the ROM finds no bootloader; `undefined` if there is one. */
export function missingBootloader({ flash, chip }: Hardware): number | undefined {
  const word = viewOf(flash.read(chip.bootloaderOffset, 4)).getUint32(0, true);
  return (word & 0xff) === APP_IMAGE_MAGIC ? undefined : word;
}

/** Returns whether the flash holds a device without a bootloader, as simulated devices may be. */
export function isFlashedWithoutBootloader({ flash, chip }: Hardware): boolean {
  const [first] = flash.truth(chip.bootloaderOffset, 1);
  const [magic] = flash.truth(PARTITION_TABLE_OFFSET, 1);
  return first !== APP_IMAGE_MAGIC && magic === TABLE_MAGIC;
}
