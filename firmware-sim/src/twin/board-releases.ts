import { type IdfReleaseMatch, matchIdfRelease, possibleReleases } from "../idf-release/idf-release.ts";
import type { BoardDescription } from "./describe-board.ts";
import type { DumpedBoard } from "./dumped-board.ts";
import type { RunningApp } from "./running-app.ts";

/** The releases of ESP-IDF that a board is of. */
export interface BoardReleases {
  readonly app: IdfReleaseMatch;
  readonly bootloader: IdfReleaseMatch;
  /** `CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE` of the apps; as in the bootloader if `undefined`. */
  readonly appRollback: boolean | undefined;
}

/** What may be said about a board's releases beside its dump. */
export interface NamedReleases {
  readonly idf?: IdfReleaseMatch | undefined;
  readonly bootloaderIdf?: IdfReleaseMatch | undefined;
  readonly appRollback?: boolean | undefined;
}

/** Returns the releases of a board: as they are named, else as bootloader and running app say of themselves. */
export function releasesOf(
  { inspection }: DumpedBoard,
  running: RunningApp | undefined,
  { idf, bootloaderIdf, appRollback }: NamedReleases,
): BoardReleases {
  const app = idf ?? matchIdfRelease(running?.descriptor?.idfVersion);
  const own = inspection.bootloader?.descriptor?.idfVersion;
  return { app, bootloader: bootloaderIdf ?? (own === undefined ? app : matchIdfRelease(own)), appRollback };
}

/** Says what is assumed about a board's releases, and what its app has to do because of them. */
export function releaseAssumptions(
  { app, bootloader, appRollback }: BoardReleases,
  { slots, otadata }: BoardDescription,
): readonly string[] {
  const assumptions: string[] = [];
  if (!app.isExact) assumptions.push(`${nameOf("app", app)}: judged as ${names(app)}`);
  if (!bootloader.isExact && bootloader.version !== app.version) {
    assumptions.push(`${nameOf("bootloader", bootloader)}: judged as ${names(bootloader)}`);
  }
  if (appRollback === undefined) assumptions.push("the app was built with the bootloader's rollback option");
  const active = otadata.find((entry) => entry.active);
  const runs = slots.find((slot) => slot.runs)?.subtype;
  const leavesNoWayBack = possibleReleases(app).filter(({ behaviors }) => !behaviors.rewritesActiveEntryInPlace);
  if (active !== undefined && runs !== `ota_${active.slot}` && leavesNoWayBack.length > 0) {
    const releases = leavesNoWayBack.map(({ name }) => name).join(" and ");
    assumptions.push(
      `otadata selects ota_${active.slot}, which does not run: the app deselects it before it is updated, as this project's agent does; esp_ota_set_boot_partition of ESP-IDF ${releases} alone would leave no way back`,
    );
  }
  return assumptions;
}

function nameOf(what: string, { version }: IdfReleaseMatch): string {
  return version === ""
    ? `the ${what} names no ESP-IDF release`
    : `the ${what} is of ESP-IDF ${version}, which is not known`;
}

function names(match: IdfReleaseMatch): string {
  return possibleReleases(match)
    .map(({ name }) => name)
    .join(" and as ");
}
