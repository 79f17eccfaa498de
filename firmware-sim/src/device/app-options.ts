import type { BootloaderOptions } from "../boot/boot-options.ts";
import type { AppBuild, AppOptionsInput } from "../esp-idf/app-context.ts";

/** Returns the build options of an app: those of its bootloader, except where `build` differs. */
export function appOptionsOf(bootloader: BootloaderOptions, build: AppBuild = {}): AppOptionsInput {
  const { rollback = true, antiRollback = false, tableOffset, secureBoot: signedApps } = bootloader;
  return {
    rollback: build.rollback ?? rollback,
    antiRollback,
    idf: build.idf,
    tableOffset,
    signedApps,
  };
}

/**
 * Returns whether a new image starts on probation. The app's build decides as much as the bootloader's: without rollback
 * the app selects the image with state UNDEFINED, which no bootloader watches.
 */
export function startsOnProbation(bootloader: BootloaderOptions, build: AppBuild = {}): boolean {
  const { rollback = true, antiRollback = false } = bootloader;
  return antiRollback || (rollback && (build.rollback ?? rollback));
}
