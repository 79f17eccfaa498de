import { OtaError } from "@tinybms/ota-core";
import {
  type AppImage,
  FLASH_MODES,
  FLASH_SIZES,
  type FlashSettings,
  flashFrequencies,
  SIGNATURE_BLOCK_MAGIC,
  signatureOffset,
  withFlashSettings,
} from "@tinybms/ota-core/esp";
import type { FlashPart } from "../flash/regions.ts";
import type { Board } from "../loader/board.ts";

/** Mode, size and frequency of the flash, by esptool's names. */
export interface FlashSettingNames {
  /** `keep` or a mode such as `dio`. @defaultValue "keep" */
  readonly mode?: string | undefined;
  /** `detect`, `keep` or a size such as `4MB`. @defaultValue "keep" */
  readonly size?: string | undefined;
  /** `keep` or a frequency such as `40m`. @defaultValue "keep" */
  readonly frequency?: string | undefined;
}

/** Parts after {@link settleParts}, with warnings. */
export interface SettledParts {
  readonly parts: readonly FlashPart[];
  readonly warnings: readonly string[];
}

/**
 * Writes flash settings into the bootloader's header, as `esptool write-flash` does: only at the offset that the chip's ROM
 * reads, and not on a board with secure boot. Leaves a signed bootloader unchanged too, because its signature covers the
 * header.
 *
 * @param imageOf - Returns the image at the beginning of a part, if any.
 * @throws {@link OtaError} `arguments/invalid` for a frequency that the chip does not have.
 */
export function settleParts(
  board: Board,
  parts: readonly FlashPart[],
  names: FlashSettingNames,
  imageOf: (part: FlashPart) => AppImage | undefined,
): SettledParts {
  const settings = settingsFor(board, names);
  const bootloader = parts.find(({ offset }) => offset === board.chip.bootloaderOffset);
  const image = bootloader === undefined ? undefined : imageOf(bootloader);
  if (bootloader === undefined || image === undefined) return { parts, warnings: [] };
  const bytes = withFlashSettings(bootloader.bytes, settings);
  const isChanged = bytes.some((byte, index) => byte !== bootloader.bytes[index]);
  if (!isChanged) return { parts, warnings: [] };
  const isSigned = bootloader.bytes[signatureOffset(image.imageSize)] === SIGNATURE_BLOCK_MAGIC;
  const why = board.secureBoot ? "the board has secure boot on" : isSigned ? "it is signed" : undefined;
  if (why !== undefined) {
    const warning = `${bootloader.name} keeps the flash mode, size and frequency of its header: ${why}`;
    return { parts, warnings: [warning] };
  }
  return { parts: parts.map((part) => (part === bootloader ? { ...part, bytes } : part)), warnings: [] };
}

function settingsFor({ chip, chipName, flashSize }: Board, names: FlashSettingNames): FlashSettings {
  const { mode = "keep", size = "keep", frequency = "keep" } = names;
  const frequencies = flashFrequencies(chip.name);
  const code = frequencies[frequency];
  if (frequency !== "keep" && code === undefined) {
    const message = `an ${chipName} has no flash frequency ${JSON.stringify(frequency)}; it has ${Object.keys(frequencies).join(", ")}`;
    throw new OtaError("arguments/invalid", message, { option: "--flash-freq" });
  }
  const sizeName = size === "detect" ? `${flashSize / 0x10_0000}MB` : size;
  if (sizeName !== "keep" && !FLASH_SIZES.includes(sizeName)) {
    const message = `a bootloader can't state a flash of ${flashSize} bytes; it can state ${FLASH_SIZES.join(", ")}`;
    throw new OtaError("arguments/invalid", message, { option: "--flash-size" });
  }
  return {
    mode: mode === "keep" ? undefined : FLASH_MODES.indexOf(mode),
    size: sizeName === "keep" ? undefined : FLASH_SIZES.indexOf(sizeName),
    frequency: code,
  };
}
