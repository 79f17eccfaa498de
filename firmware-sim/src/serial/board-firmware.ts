import type { BootloaderOptions, Hardware } from "../boot/boot-options.ts";
import { type BootOutcome, runBootloader } from "../boot/bootloader.ts";
import { consoleText } from "../rom/rom-console.ts";
import { bootConsole } from "./boot-console.ts";

/** What runs on a board when its ROM is done: everything in flash. */
export interface BoardFirmware {
  /**
   * Starts from flash.
   *
   * @param print - Takes what goes to the console, now and later.
   * @throws PowerCut where the flash loses power on the way.
   */
  boot(print: (text: string) => void): void;
  /** Is stopped where it stands. */
  halt(): void;
}

/** The second-stage bootloader, and the app's first lines; then nothing: the app has no agent. */
export class BootloaderFirmware implements BoardFirmware {
  readonly #hardware: Hardware;
  readonly #options: BootloaderOptions;
  #outcome: BootOutcome | undefined;

  constructor(hardware: Hardware, options: BootloaderOptions = {}) {
    this.#hardware = hardware;
    this.#options = options;
  }

  /** How the last start went; `undefined` while nothing runs. */
  get outcome(): BootOutcome | undefined {
    return this.#outcome;
  }

  boot(print: (text: string) => void): void {
    this.#outcome = runBootloader(this.#hardware, this.#options);
    print(consoleText(bootConsole(this.#outcome)));
  }

  halt(): void {
    this.#outcome = undefined;
  }
}
