import { type IdfReleaseMatch, matchIdfRelease, possibleReleases } from "../idf-release/idf-release.ts";
import type { BoardDescription } from "./describe-board.ts";
import type { DumpedBoard } from "./dumped-board.ts";
import type { RunningApp } from "./running-app.ts";

/** ESP-IDF releases of a board's app and bootloader. */
export interface BoardReleases {
  readonly app: IdfReleaseMatch;
  readonly bootloader: IdfReleaseMatch;
  /** `CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE` of the apps. If `undefined`, as in the bootloader. */
  readonly appRollback: boolean | undefined;
}

/** Releases given by options, which replace those found in the dump. */
export interface NamedReleases {
  readonly idf?: IdfReleaseMatch | undefined;
  readonly bootloaderIdf?: IdfReleaseMatch | undefined;
  readonly appRollback?: boolean | undefined;
}

/** Returns the releases of a board: those given, or else those in the descriptors of its bootloader and running app. */
export function releasesOf(
  { inspection }: DumpedBoard,
  running: RunningApp | undefined,
  { idf, bootloaderIdf, appRollback }: NamedReleases,
): BoardReleases {
  const app = idf ?? matchIdfRelease(running?.descriptor?.idfVersion);
  const own = inspection.bootloader?.descriptor?.idfVersion;
  return { app, bootloader: bootloaderIdf ?? (own === undefined ? app : matchIdfRelease(own)), appRollback };
}

/** Returns the assumptions about a board's releases, and about what its app must do because of them. */
export function releaseAssumptions(
  { app, bootloader, appRollback }: BoardReleases,
  { slots, otadata }: BoardDescription,
): readonly string[] {
  const assumptions: string[] = [];
  if (!app.isExact) assumptions.push(`${nameOf("app", app)}: simulated as ${names(app)}`);
  if (!bootloader.isExact && bootloader.version !== app.version) {
    assumptions.push(`${nameOf("bootloader", bootloader)}: simulated as ${names(bootloader)}`);
  }
  if (appRollback === undefined) assumptions.push("the app was built with the bootloader's rollback option");
  const active = otadata.find((entry) => entry.active);
  const runs = slots.find((slot) => slot.runs)?.subtype;
  const withoutRollback = possibleReleases(app).filter(({ behaviors }) => !behaviors.rewritesActiveEntryInPlace);
  if (active !== undefined && runs !== `ota_${active.slot}` && withoutRollback.length > 0) {
    const releases = withoutRollback.map(({ name }) => name).join(" and ");
    assumptions.push(
      `otadata selects ota_${active.slot}, which does not run: the app deselects it before the update, as this project's agent does; with only esp_ota_set_boot_partition of ESP-IDF ${releases}, a rollback would be impossible`,
    );
  }
  return assumptions;
}

function nameOf(what: string, { version }: IdfReleaseMatch): string {
  return version === ""
    ? `the ESP-IDF release of the ${what} is not known`
    : `the ${what} was built with the unknown ESP-IDF release ${version}`;
}

function names(match: IdfReleaseMatch): string {
  return possibleReleases(match)
    .map(({ name }) => name)
    .join(" and as ");
}
