import type { StateReport } from "../schemas/types.generated.ts";

/** Image and number that a report under an offer must fit. */
export interface OfferedImage {
  /** Image id. */
  readonly imageId: string;
  /** 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /** Number of the offer. */
  readonly counter: readonly [epoch: number, sequence: number];
}

/** States in which a device says that it has the image. */
const HAS_IMAGE: readonly StateReport["state"][] = ["ready-to-reboot", "pending-verify", "confirmed"];

/** States in which a device says that it runs the image. */
const RUNS_IMAGE: readonly StateReport["state"][] = ["pending-verify", "confirmed"];

/**
 * Checks a report that names the offer and claims success: its image, its accepted number and the image that runs.
 *
 * @returns What is wrong, as the end of a sentence; `undefined` if everything fits.
 */
export function contradictionOf(report: StateReport, offered: OfferedImage): string | undefined {
  const { state, image, accepted, running_sha256: running } = report;
  if (!HAS_IMAGE.includes(state)) return undefined;
  if (image !== offered.imageId) return `its image is ${image ?? "not named"}, and the offer's is ${offered.imageId}`;
  const [epoch, sequence] = offered.counter;
  if (accepted[0] !== epoch || accepted[1] !== sequence) {
    return `the offer it accepted has number ${accepted.join("/")}, and this one has ${epoch}/${sequence}`;
  }
  if (RUNS_IMAGE.includes(state) && running !== offered.sha256) {
    return `the image that runs has the SHA-256 ${running}, and the offered one has ${offered.sha256}`;
  }
  return undefined;
}
