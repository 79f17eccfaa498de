import { findBootloaderDescriptor } from "@tinybms/ota-core/esp";
import { type Command, InvalidArgumentError, Option } from "commander";
import { type BootloaderOptions, copyHardware, type Hardware } from "../boot/boot-options.ts";
import { runBootloader } from "../boot/bootloader.ts";
import type { AppBuild } from "../esp-idf/app-context.ts";
import {
  askedIdfRelease,
  IDF_RELEASE_NAMES,
  type IdfReleaseMatch,
  matchIdfRelease,
  type ReportedRelease,
  reportRelease,
} from "../idf-release/idf-release.ts";

/** Options for a device's ESP-IDF releases and the build of its app. */
export interface IdfOptions {
  readonly idf?: IdfReleaseMatch;
  readonly bootloaderIdf?: IdfReleaseMatch;
  /** `CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE` of the app. */
  readonly appRollback?: "on" | "off";
}

/** Declares `--idf`, `--bootloader-idf` and `--app-rollback`. */
export function declareIdf(command: Command): Command {
  return command
    .optionsGroup("ESP-IDF:")
    .option(
      "--idf <release>",
      `ESP-IDF release of the apps (default: the one in each image): ${IDF_RELEASE_NAMES.join(", ")}; 5.5 is the newest of its branch`,
      release,
    )
    .option(
      "--bootloader-idf <release>",
      "ESP-IDF release of the bootloader (default: the one in its descriptor, or the app's)",
      release,
    )
    .addOption(
      new Option(
        "--app-rollback <on|off>",
        "CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE of the apps (default: as in the bootloader)",
      ).choices(["on", "off"]),
    );
}

/** Parses a release. @throws InvalidArgumentError if the text is not a version. */
function release(text: string): IdfReleaseMatch {
  const match = askedIdfRelease(text);
  if (match !== undefined) return match;
  throw new InvalidArgumentError(`It must be a version of ESP-IDF: ${IDF_RELEASE_NAMES.join(", ")}.`);
}

/** ESP-IDF releases of a device. JSON-safe. */
export interface IdfReport {
  readonly app: ReportedRelease;
  readonly bootloader: ReportedRelease;
}

/** Build options and releases of a board. */
export interface ChosenIdf {
  readonly bootloaderOptions: BootloaderOptions;
  readonly appBuild: AppBuild;
  readonly report: IdfReport;
}

/**
 * Chooses the releases of a board: those of the options, or else those in the descriptors of its bootloader and of the app
 * that starts.
 *
 * @param tableOffset - Offset of the partition table, in bytes.
 * @defaultValue `tableOffset`: 0x8000
 */
export function chooseIdf(options: IdfOptions, hardware: Hardware, tableOffset?: number): ChosenIdf {
  const { flash, chip } = hardware;
  const outcome = runBootloader(copyHardware(hardware), { tableOffset });
  const ofApp = outcome.kind === "boots" ? outcome.image.descriptor?.idfVersion : undefined;
  const ofBootloader = findBootloaderDescriptor(flash.truth(chip.bootloaderOffset, 256))?.idfVersion;
  const app = options.idf ?? matchIdfRelease(ofApp);
  const bootloader = options.bootloaderIdf ?? (ofBootloader === undefined ? app : matchIdfRelease(ofBootloader));
  return {
    bootloaderOptions: { tableOffset, idf: bootloader.release },
    appBuild: { idf: options.idf?.release, rollback: options.appRollback && options.appRollback === "on" },
    report: { app: reportRelease(app), bootloader: reportRelease(bootloader) },
  };
}

/** Formats the simulated releases, with a note if they are assumed. */
export function idfLine({ app, bootloader }: IdfReport): string {
  return `ESP-IDF of the app ${releaseText(app)}, of the bootloader ${releaseText(bootloader)}`;
}

/** Formats a release and, if it is assumed, the version that it replaces. */
function releaseText({ release: name, version, assumed }: ReportedRelease): string {
  if (!assumed) return name;
  return `${name} (assumed: ${version === null ? "no version was found" : `the nearest to ${version}`})`;
}
