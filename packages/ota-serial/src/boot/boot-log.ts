/** State of a board's boot log since its reset. */
export interface BootState {
  /** `App version:` of the app that started. */
  readonly version: string | undefined;
  /** `Project name:` of the app that started. */
  readonly projectName: string | undefined;
  /** Flash offset that the bootloader loaded the app from. */
  readonly loadedFrom: number | undefined;
  /** Number of resets in the log. */
  readonly resets: number;
  /** Most recent failure, as part of a sentence. */
  readonly trouble: string | undefined;
  /** `true` if the board can't recover from the failure by itself. */
  readonly isFinal: boolean;
  /** Number of bytes received. */
  readonly bytes: number;
}

/** Number of resets after which the board counts as unable to start. */
const RESETS_MAX = 4;

/** Longest line, in characters. Longer ones are split. */
const LINE_MAX = 512;

const ESCAPE = 0x1b;

/** Color codes: ESP-IDF's log is colored by default. */
const COLOR = new RegExp(`${String.fromCharCode(ESCAPE)}\\[[0-9;]*m`, "g");

/** Log lines of ROM, bootloader and ESP-IDF, and what they mean. The first pattern that matches counts. */
const TROUBLES: readonly { readonly pattern: RegExp; readonly reason: string; readonly isFinal?: boolean }[] = [
  { pattern: /Brownout detector was triggered/, reason: "its power supply fails (brownout)" },
  { pattern: /waiting for download/, reason: "it waits for another download: IO0 is held low", isFinal: true },
  { pattern: /No bootable app partitions/, reason: "its bootloader finds no bootable app", isFinal: true },
  {
    pattern: /Failed to verify partition table|load partition table error/,
    reason: "its partition table is damaged",
    isFinal: true,
  },
  { pattern: /invalid header: 0x|flash read err/, reason: "its ROM finds no bootloader", isFinal: true },
  {
    pattern: /is not bootable|image at 0x[0-9a-f]+ has invalid magic|Image hash failed|Checksum failed/,
    reason: "an image in its flash is corrupt",
  },
  {
    pattern: /mismatch chip ID|chip revision check failed|Image requires (?:chip|efuse)/,
    reason: "the image is for another chip",
  },
  { pattern: /secure boot|signature.*fail/i, reason: "secure boot refuses the image" },
  { pattern: /Guru Meditation Error|abort\(\) was called|assert failed|Stack smashing/, reason: "the app crashes" },
  { pattern: /rst:0x\w+ \((?:RTCWDT|TG\dWDT|INT_WDT|TASK_WDT)/, reason: "a watchdog resets it" },
];

/**
 * Parses the boot log of a board: the output of its ROM, its second-stage bootloader and its app. Does no I/O.
 */
export class BootLog {
  #line = "";
  #state: BootState = {
    version: undefined,
    projectName: undefined,
    loadedFrom: undefined,
    resets: 0,
    trouble: undefined,
    isFinal: false,
    bytes: 0,
  };

  get state(): BootState {
    return this.#state;
  }

  /**
   * Parses the next bytes of the log.
   *
   * @returns The state after these bytes.
   */
  push(bytes: Uint8Array): BootState {
    this.#state = { ...this.#state, bytes: this.#state.bytes + bytes.length };
    for (const byte of bytes) {
      if (byte === 0x0a || byte === 0x0d || this.#line.length === LINE_MAX) {
        this.#read(this.#line.replaceAll(COLOR, ""));
        this.#line = "";
      }
      if ((byte >= 0x20 && byte < 0x7f) || byte === ESCAPE) this.#line += String.fromCharCode(byte);
    }
    return this.#state;
  }

  #read(line: string): void {
    const version = /App version:\s+(\S.*)/.exec(line)?.[1]?.trim();
    const projectName = /Project name:\s+(\S.*)/.exec(line)?.[1]?.trim();
    const offset = /Loaded app from partition at offset 0x([0-9a-f]+)/i.exec(line)?.[1];
    const isReset = /\brst:0x/.test(line);
    const resets = this.#state.resets + (isReset ? 1 : 0);
    const trouble = TROUBLES.find(({ pattern }) => pattern.test(line));
    this.#state = {
      ...this.#state,
      version: version ?? this.#state.version,
      projectName: projectName ?? this.#state.projectName,
      loadedFrom: offset === undefined ? this.#state.loadedFrom : Number.parseInt(offset, 16),
      resets,
      trouble: trouble?.reason ?? this.#state.trouble,
      isFinal: this.#state.isFinal || trouble?.isFinal === true || resets >= RESETS_MAX,
    };
  }
}
