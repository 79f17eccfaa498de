import { writeFileAtomically } from "@tinybms/ota-core/node";
import { unwritable } from "../device/flash-file.ts";
import { renderReplayPage } from "./render-replay-page.ts";
import type { ReplayDocument } from "./replay-document.ts";

/**
 * Writes a replay page, in place of an older one.
 *
 * @throws {@link OtaError} `simulation/file-unwritable` if the file can't be written.
 */
export async function writeReplayPage(file: string, document: ReplayDocument): Promise<void> {
  const page = new TextEncoder().encode(await renderReplayPage(document));
  await writeFileAtomically(file, page).catch((cause: unknown) => {
    throw unwritable(file, cause);
  });
}
