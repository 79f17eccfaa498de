import type { Chip } from "@tinybms/ota-core/esp";
import type { NorFlash } from "../flash/nor-flash.ts";
import type { IdfRelease } from "../idf-release/idf-release.ts";
import type { Efuse } from "./efuse.ts";
import type { PartitionRange } from "./image-verification.ts";
import type { SignedApps } from "./secure-boot-v2.ts";

/** Hardware state that survives a loss of power. */
export interface Hardware {
  readonly flash: NorFlash;
  readonly efuse: Efuse;
  readonly chip: Chip;
}

/** Returns an independent copy of hardware. */
export function copyHardware({ flash, efuse, chip }: Hardware): Hardware {
  return { flash: flash.snapshot(), efuse: efuse.copy(), chip };
}

/**
 * Build options of the bootloader, and pins held at this start. Separate from the app's options, because devices in the
 * field keep the bootloader that they were made with.
 */
export interface BootloaderOptions {
  /**
   * Release of ESP-IDF that the bootloader was built with.
   *
   * @defaultValue 6.2-dev
   */
  readonly idf?: IdfRelease | undefined;
  /**
   * `CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE`.
   *
   * @defaultValue `true`
   */
  readonly rollback?: boolean | undefined;
  /**
   * `CONFIG_BOOTLOADER_APP_ANTI_ROLLBACK`, which implies rollback.
   *
   * @defaultValue `false`
   */
  readonly antiRollback?: boolean | undefined;
  /**
   * `CONFIG_BOOTLOADER_SKIP_VALIDATE_ALWAYS`. Has no effect with secure boot.
   *
   * @defaultValue `false`
   */
  readonly skipValidate?: boolean | undefined;
  /**
   * `CONFIG_BOOTLOADER_SKIP_VALIDATE_ON_POWER_ON`. Has no effect with secure boot.
   *
   * @defaultValue `false`
   */
  readonly skipValidateOnPowerOn?: boolean | undefined;
  /**
   * `CONFIG_BOOTLOADER_SKIP_VALIDATE_IN_DEEP_SLEEP`: on wake-up, loads the app named in RTC memory without verification,
   * and without reading otadata.
   *
   * @defaultValue `false`
   */
  readonly skipValidateInDeepSleep?: boolean | undefined;
  /** `CONFIG_SECURE_BOOT_V2_ENABLED`; without it there is no secure boot. */
  readonly secureBoot?: SignedApps | undefined;
  /**
   * Cause of this start.
   *
   * @defaultValue `power-on`
   */
  readonly resetReason?: "power-on" | "software" | "deep-sleep" | undefined;
  /** The last app loaded, as RTC memory retained it during deep sleep. */
  readonly retained?: PartitionRange | undefined;
  /**
   * `CONFIG_PARTITION_TABLE_OFFSET`, in bytes.
   *
   * @defaultValue 0x8000
   */
  readonly tableOffset?: number | undefined;
  /** What the bootloader erases because the pin of `CONFIG_BOOTLOADER_FACTORY_RESET` is held. */
  readonly factoryReset?: {
    /** Labels of data partitions (`CONFIG_BOOTLOADER_DATA_FACTORY_RESET`). */
    readonly dataPartitions: readonly string[];
    /** `CONFIG_BOOTLOADER_OTA_DATA_ERASE`. */
    readonly otadata: boolean;
  };
  /** The pin of `CONFIG_BOOTLOADER_APP_TEST` is held. */
  readonly testAppPin?: boolean | undefined;
}
