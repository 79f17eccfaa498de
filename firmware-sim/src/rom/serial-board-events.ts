/** What reaches a board, in milliseconds on a clock that never goes back. */
export type SerialBoardEvent = { readonly now: number } & (
  | { readonly type: "power-on" }
  /** Power goes. */
  | { readonly type: "power-off" }
  /** Bytes of the host. */
  | { readonly type: "receive"; readonly bytes: Uint8Array }
  /** The host set its lines; what is missing stays. */
  | { readonly type: "signals"; readonly dtr?: boolean; readonly rts?: boolean }
  /** The host's rate; `undefined`, and before any such event: both ends agree on any. */
  | { readonly type: "host-baud-rate"; readonly baudRate: number | undefined }
  /** Somebody pressed the reset button, and held the boot button where `download`. */
  | { readonly type: "reset-button"; readonly download: boolean }
  /** The app printed something. Nothing else does while it runs. */
  | { readonly type: "console"; readonly text: string }
  /** The app restarted by itself: it boots again. */
  | { readonly type: "app-restart" }
  | { readonly type: "timer" }
);

/** What a board does, in order. */
export type SerialBoardAction =
  /** Bytes for the host, where it listens at the board's rate. */
  | { readonly type: "send"; readonly bytes: Uint8Array }
  /** The ROM starts what is in flash: run the second-stage bootloader, and tell what it prints by `console`. */
  | { readonly type: "boot" }
  /** What runs is stopped, by reset or for want of power. */
  | { readonly type: "halt" }
  /** The flash is busy from now on; what comes next waits for it if it takes time (`flashTakesTime`). */
  | { readonly type: "busy"; readonly durationMs: number }
  /** The flash lost power within a command. The board is off until `power-on`. */
  | { readonly type: "power-lost"; readonly message: string }
  /** Replaces a timer set before. */
  | { readonly type: "set-timer"; readonly at: number }
  | { readonly type: "clear-timer" };

/**
 * What a board is doing: `held` in reset; `strapping`: released, and the boot pin not yet read; `download`: its loader
 * waits for a host; `app`: what is in flash runs, or tries to; `hung`: software that answers nobody.
 */
export type SerialBoardState = "off" | "held" | "strapping" | "download" | "app" | "hung";
