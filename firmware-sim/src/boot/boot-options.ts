import type { Chip } from "@tinybms/ota-core/esp";
import type { NorFlash } from "../flash/nor-flash.ts";
import type { IdfRelease } from "../idf-release/idf-release.ts";
import type { Efuse } from "./efuse.ts";
import type { PartitionRange } from "./image-verification.ts";
import type { SignedApps } from "./secure-boot-v2.ts";

/** What lasts on a device when its power goes. */
export interface Hardware {
  readonly flash: NorFlash;
  readonly efuse: Efuse;
  readonly chip: Chip;
}

/**
 * How the bootloader was built, and which pins are held at this start. Inputs of their own beside the app's options:
 * devices in the field keep the bootloader they were made with.
 */
export interface BootloaderOptions {
  /** The release of ESP-IDF that it was built with; 6.2-dev without it. */
  readonly idf?: IdfRelease;
  /** `CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE`; true without it. */
  readonly rollback?: boolean;
  /** `CONFIG_BOOTLOADER_APP_ANTI_ROLLBACK`, which brings rollback with it; false without it. */
  readonly antiRollback?: boolean;
  /** `CONFIG_BOOTLOADER_SKIP_VALIDATE_ALWAYS`, which secure boot overrides; false without it. */
  readonly skipValidate?: boolean;
  /** `CONFIG_BOOTLOADER_SKIP_VALIDATE_ON_POWER_ON`: as above, when power came; false without it. */
  readonly skipValidateOnPowerOn?: boolean;
  /**
   * `CONFIG_BOOTLOADER_SKIP_VALIDATE_IN_DEEP_SLEEP`: on waking, the app that RTC memory names is loaded unseen, and otadata
   * is not even read; false without it.
   */
  readonly skipValidateInDeepSleep?: boolean;
  /** `CONFIG_SECURE_BOOT_V2_ENABLED`; no secure boot without it. */
  readonly secureBoot?: SignedApps;
  /** What this start comes from; power without it. */
  readonly resetReason?: "power-on" | "software" | "deep-sleep";
  /** The app that was loaded last, as RTC memory retained it over a deep sleep. */
  readonly retained?: PartitionRange;
  /** `CONFIG_PARTITION_TABLE_OFFSET` in bytes; 0x8000 without it. */
  readonly tableOffset?: number;
  /** The pin of `CONFIG_BOOTLOADER_FACTORY_RESET` is held: what that erases. */
  readonly factoryReset?: {
    /** Labels of data partitions (`CONFIG_BOOTLOADER_DATA_FACTORY_RESET`). */
    readonly dataPartitions: readonly string[];
    /** `CONFIG_BOOTLOADER_OTA_DATA_ERASE`. */
    readonly otadata: boolean;
  };
  /** The pin of `CONFIG_BOOTLOADER_APP_TEST` is held. */
  readonly testAppPin?: boolean;
}
