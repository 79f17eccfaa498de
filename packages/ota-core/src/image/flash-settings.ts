import { sha256 } from "../sha256.ts";
import { parseAppImage } from "./app-image-scanner.ts";
import type { ChipName } from "./chips.ts";

/** Names of the flash modes; the index is the value in the image header. */
export const FLASH_MODES: readonly string[] = ["qio", "qout", "dio", "dout"];

/**
 * Names of the flash sizes; the index is the value in the image header. The size is 2 to the power of the index, in
 * MiB.
 */
export const FLASH_SIZES: readonly string[] = ["1MB", "2MB", "4MB", "8MB", "16MB", "32MB", "64MB", "128MB"];

/** Flash settings in a bootloader's header. A setting that is left out does not change. */
export interface FlashSettings {
  /** Index into {@link FLASH_MODES}. */
  readonly mode?: number | undefined;
  /** Index into {@link FLASH_SIZES}. */
  readonly size?: number | undefined;
  /** 4 bits: see {@link flashFrequencies}. */
  readonly frequency?: number | undefined;
}

type Frequencies = Readonly<Record<string, number>>;

const TO_80_MHZ: Frequencies = { "80m": 0xf, "40m": 0, "20m": 2 };
const TO_48_MHZ: Frequencies = { "48m": 0xf, "24m": 0, "16m": 1, "12m": 2 };

/** Chips whose ROM divides the flash clock differently than the ESP32's ROM. */
const FREQUENCIES: Readonly<Partial<Record<ChipName, Frequencies>>> = {
  esp32c2: { "60m": 0xf, "30m": 0, "20m": 1, "15m": 2 },
  // The ROM's divider for 80 MHz is wrong on this chip; its bootloader sets 80 MHz itself.
  esp32c6: { "80m": 0, "40m": 0, "20m": 2 },
  esp32c5: TO_80_MHZ,
  esp32c61: TO_80_MHZ,
  esp32s31: TO_80_MHZ,
  esp32h2: TO_48_MHZ,
  esp32h21: TO_48_MHZ,
  esp32h4: TO_48_MHZ,
};

/**
 * Returns the flash frequencies that a chip's bootloader header can state: the 4-bit value by name.
 *
 * @see esptool, `FLASH_FREQUENCY` of each target.
 */
export function flashFrequencies(chip: ChipName): Frequencies {
  return FREQUENCIES[chip] ?? { "80m": 0xf, "40m": 0, "26m": 1, "20m": 2 };
}

/**
 * Sets flash mode, size and frequency in the header of a bootloader image, and updates its appended SHA-256.
 *
 * @param file - A bootloader image, possibly with more bytes after it. Not modified.
 * @returns A copy of `file` in which only header and hash differ.
 * @throws {@link OtaError} `image/bad-magic`, `image/invalid` or `image/truncated` if the file does not begin with an
 *   image.
 * @see esptool, `_update_image_flash_params`.
 */
export function withFlashSettings(file: Uint8Array, { mode, size, frequency }: FlashSettings): Uint8Array {
  const { appendedHash } = parseAppImage(file);
  const bytes = file.slice();
  const [, , oldMode = 0, old = 0] = bytes;
  bytes.set([mode ?? oldMode, ((size ?? old >>> 4) << 4) | (frequency ?? old & 0x0f)], 2);
  if (appendedHash !== undefined) bytes.set(sha256(bytes.subarray(0, appendedHash.offset)), appendedHash.offset);
  return bytes;
}
