import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { OtaError } from "@tinybms/ota-core";
import { writeFileAtomically } from "@tinybms/ota-core/node";
import type { NorFlash } from "../flash/nor-flash.ts";

/**
 * Keeps a device's flash in a file, byte for byte as `esptool read-flash` writes it.
 *
 * Each page program and sector erase is one positioned write of the changed cells, made before the software continues,
 * so before any effect of its next step is visible outside. A process that is killed leaves the cells after its last
 * operation, or with only the first bytes of that operation, as a power cut can. Data is synced to disk only by
 * {@link FlashFile.close}: if the whole machine fails, writes may be missing in any order.
 *
 * Weak cells are saved with their current value.
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
   * Starts to keep a flash in a file. Writes the whole flash first if the file is new.
   *
   * @param isNew - The file doesn't exist or is to be replaced. Otherwise it already holds the content of `flash`.
   * @param onFailure - Called once when a write fails. The file is not changed any more after that.
   * @throws {@link OtaError} `simulation/file-unwritable`.
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
   * Syncs the file to disk and closes it. Later changes of the flash are not saved.
   *
   * @throws {@link OtaError} `simulation/file-unwritable`.
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
        // Later writes would leave a gap in the file.
        this.#hasFailed = true;
        this.#onFailure(unwritable(this.path, cause));
      }
    });
  }
}

/** Returns the error for a file that can't be written. */
export function unwritable(file: string, cause: unknown): OtaError<"simulation/file-unwritable"> {
  const why = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  return new OtaError("simulation/file-unwritable", `${file} can't be written${why}`, { file }, { cause });
}
