import { sha256 } from "../sha256.ts";
import { parseAppImage } from "./app-image-scanner.ts";
import type { ChipName } from "./chips.ts";

/** Modes of the flash by name, as the image header encodes them. */
export const FLASH_MODES: readonly string[] = ["qio", "qout", "dio", "dout"];

/** Sizes of the flash by name, as the image header encodes them: 2 to the power of the index, in MiB. */
export const FLASH_SIZES: readonly string[] = ["1MB", "2MB", "4MB", "8MB", "16MB", "32MB", "64MB", "128MB"];

/** What of the flash a bootloader's header states. What is left out stays as it is. */
export interface FlashSettings {
  /** Index into {@link FLASH_MODES}. */
  readonly mode?: number;
  /** Index into {@link FLASH_SIZES}. */
  readonly size?: number;
  /** 4 bits: see {@link flashFrequencies}. */
  readonly frequency?: number;
}

type Frequencies = Readonly<Record<string, number>>;

const TO_80_MHZ: Frequencies = { "80m": 0xf, "40m": 0, "20m": 2 };
const TO_48_MHZ: Frequencies = { "48m": 0xf, "24m": 0, "16m": 1, "12m": 2 };

/** Chips whose ROM divides the flash clock otherwise than that of the ESP32. */
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
 * Returns the flash frequencies that a chip's bootloader can state, by name.
 *
 * @see esptool, `FLASH_FREQUENCY` of each target.
 */
export function flashFrequencies(chip: ChipName): Frequencies {
  return FREQUENCIES[chip] ?? { "80m": 0xf, "40m": 0, "26m": 1, "20m": 2 };
}

/**
 * Writes mode, size and frequency of the flash into the header of a bootloader image, and makes its appended SHA-256 anew.
 *
 * @param file - A bootloader image, and whatever follows it. It stays as it is.
 * @returns A copy of `file` that differs in header and hash alone.
 * @throws {@link OtaError} `image/…` for a file that does not begin with an image.
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
