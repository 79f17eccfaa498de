import { createHardware, type Hardware } from "@tinybms/firmware-sim";
import { buildAppImage, type ChipName, parseAppImage } from "@tinybms/ota-core/esp";
import type { FlashImage } from "../src/index.ts";

/** Chips that can be flashed. */
export const FLASHABLE: readonly ChipName[] = ["esp32", "esp32s2", "esp32s3", "esp32c3", "esp32c6", "esp32h2"];

/** An app image, with text in it that compresses about as code does. */
export function appImage(chip: ChipName, version: string, sizeBytes = 200_000, projectName = "gateway"): FlashImage {
  const bytes = buildAppImage({ chip, version, projectName, sizeBytes });
  return { name: `${projectName}-${version}.bin`, bytes, image: parseAppImage(bytes) };
}

/** A board from the factory, with an app in its first OTA slot. */
export function boardWith(chip: ChipName, version = "1.0.0", sizeBytes?: number): Hardware {
  return createHardware({ chip, app: appImage(chip, version, sizeBytes).bytes });
}
