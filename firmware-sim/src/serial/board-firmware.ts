import type { BootloaderOptions, Hardware } from "../boot/boot-options.ts";
import { type BootOutcome, runBootloader } from "../boot/bootloader.ts";
import { consoleText } from "../rom/rom-console.ts";
import { bootConsole } from "./boot-console.ts";

/** Software that runs on a board after its ROM. */
export interface BoardFirmware {
  /**
   * Starts from flash.
   *
   * @param print - Called with console output, now and later.
   * @throws {@link PowerCut} if the flash loses power.
   */
  boot(print: (text: string) => void): void;
  /** Stops at once. */
  halt(): void;
}

/** The second-stage bootloader and the app's first lines, without an agent. */
export class BootloaderFirmware implements BoardFirmware {
  readonly #hardware: Hardware;
  readonly #options: BootloaderOptions;
  #outcome: BootOutcome | undefined;

  constructor(hardware: Hardware, options: BootloaderOptions = {}) {
    this.#hardware = hardware;
    this.#options = options;
  }

  /** Result of the last boot; `undefined` while nothing runs. */
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
