/** What a board has said since its reset. */
export interface BootState {
  /** `App version:` of the app that started. */
  readonly version: string | undefined;
  /** `Project name:` of the app that started. */
  readonly projectName: string | undefined;
  /** Where the bootloader took the app from: an offset in flash. */
  readonly loadedFrom: number | undefined;
  /** Resets seen. */
  readonly resets: number;
  /** What went wrong last, as part of a sentence. */
  readonly trouble: string | undefined;
  /** Whether it can't come to anything better. */
  readonly isFinal: boolean;
  readonly bytes: number;
}

/** A board that has reset so often starts no more. */
const RESETS_MAX = 4;

/** A line longer than this is none. */
const LINE_MAX = 512;

const ESCAPE = 0x1b;

/** ESP-IDF's log is coloured unless it is told otherwise. */
const COLOUR = new RegExp(`${String.fromCharCode(ESCAPE)}\\[[0-9;]*m`, "g");

/** What lines of ROM, bootloader and ESP-IDF mean; the first that matches counts. */
const TROUBLES: readonly { readonly pattern: RegExp; readonly reason: string; readonly isFinal?: boolean }[] = [
  { pattern: /Brownout detector was triggered/, reason: "its supply breaks down (brownout)" },
  { pattern: /waiting for download/, reason: "it waits for another download: IO0 is held low", isFinal: true },
  { pattern: /No bootable app partitions/, reason: "its bootloader finds no app that it may start", isFinal: true },
  {
    pattern: /Failed to verify partition table|load partition table error/,
    reason: "its partition table is damaged",
    isFinal: true,
  },
  { pattern: /invalid header: 0x|flash read err/, reason: "its ROM finds no bootloader", isFinal: true },
  {
    pattern: /is not bootable|image at 0x[0-9a-f]+ has invalid magic|Image hash failed|Checksum failed/,
    reason: "an image in its flash is not whole",
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
 * Reads the log of a board that starts: ROM, second-stage bootloader and app of ESP-IDF. Bytes in, a state out.
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

  /** Takes the next bytes of the line. */
  push(bytes: Uint8Array): BootState {
    this.#state = { ...this.#state, bytes: this.#state.bytes + bytes.length };
    for (const byte of bytes) {
      if (byte === 0x0a || byte === 0x0d || this.#line.length === LINE_MAX) {
        this.#read(this.#line.replaceAll(COLOUR, ""));
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
