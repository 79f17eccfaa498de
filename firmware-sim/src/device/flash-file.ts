import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { OtaError } from "@tinybms/ota-core";
import { writeFileAtomically } from "@tinybms/ota-core/node";
import type { NorFlash } from "../flash/nor-flash.ts";

/**
 * A device's flash on disk, byte for byte as `esptool read-flash` would write it.
 *
 * Each page program and sector erase is one positioned write of the cells it touched, made before the software goes on:
 * so before anything that it does next can be seen from outside. A process killed at any moment leaves the cells after
 * its last operation, or that operation with its first bytes alone, which is what a power cut leaves too. Nothing is
 * sent to the disk before {@link FlashFile.close}: should the whole machine stop, writes may be missing in any order.
 *
 * Weak cells are not kept: they are as they stand.
 */
export class FlashFile {
  readonly path: string;
  readonly #descriptor: number;
  readonly #onFailure: (error: OtaError) => void;
  #flash: NorFlash | undefined;
  #hasFailed = false;

  private constructor(path: string, onFailure: (error: OtaError) => void) {
    this.path = path;
    this.#descriptor = openSync(path, "r+");
    this.#onFailure = onFailure;
  }

  /**
   * Puts a flash into its file, if that is new, and keeps it there.
   *
   * @param isNew - The file doesn't exist, or is to be replaced; otherwise it holds what `flash` does.
   * @param onFailure - Told once, when the file can no longer be written: from then on it stays as it is.
   * @throws OtaError `simulation/file-unwritable`.
   */
  static async keep(
    flash: NorFlash,
    path: string,
    isNew: boolean,
    onFailure: (error: OtaError) => void,
  ): Promise<FlashFile> {
    try {
      if (isNew) await writeFileAtomically(path, flash.dump());
      const file = new FlashFile(path, onFailure);
      file.#follow(flash);
      return file;
    } catch (cause) {
      throw unwritable(path, cause);
    }
  }

  /**
   * Sends everything to the disk, and keeps the flash no longer.
   *
   * @throws OtaError `simulation/file-unwritable`.
   */
  close(): void {
    this.#flash?.mirror(undefined);
    try {
      if (!this.#hasFailed) fsyncSync(this.#descriptor);
    } catch (cause) {
      throw unwritable(this.path, cause);
    } finally {
      closeSync(this.#descriptor);
    }
  }

  #follow(flash: NorFlash): void {
    this.#flash = flash;
    flash.mirror((offset, cells) => {
      if (this.#hasFailed) return;
      try {
        for (let done = 0; done < cells.length; ) {
          done += writeSync(this.#descriptor, cells, done, cells.length - done, offset + done);
        }
      } catch (cause) {
        // What would follow must not be written behind a gap.
        this.#hasFailed = true;
        this.#onFailure(unwritable(this.path, cause));
      }
    });
  }
}

function unwritable(file: string, cause: unknown): OtaError<"simulation/file-unwritable"> {
  const why = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  return new OtaError("simulation/file-unwritable", `${file} can't be written${why}`, { file }, { cause });
}
