/** An event for a board. `now` is in milliseconds on a monotonic clock. */
export type SerialBoardEvent = { readonly now: number } & (
  | { readonly type: "power-on" }
  /** The power is cut. */
  | { readonly type: "power-off" }
  /** Bytes from the host. */
  | { readonly type: "receive"; readonly bytes: Uint8Array }
  /** The host sets its control lines. Absent ones don't change. */
  | { readonly type: "signals"; readonly dtr?: boolean; readonly rts?: boolean }
  /** The host sets its baud rate. With `undefined`, or before this event, both ends agree on any rate. */
  | { readonly type: "host-baud-rate"; readonly baudRate: number | undefined }
  /** The reset button is pressed, and the boot button is held if `download`. */
  | { readonly type: "reset-button"; readonly download: boolean }
  /** The app prints text. Only the app prints while it runs. */
  | { readonly type: "console"; readonly text: string }
  /** The app restarts by itself. */
  | { readonly type: "app-restart" }
  | { readonly type: "timer" }
);

/** An action of a board, in order. */
export type SerialBoardAction =
  /** Sends bytes to the host. */
  | { readonly type: "send"; readonly bytes: Uint8Array }
  /** The ROM starts what is in flash: run the second-stage bootloader, and pass its output in `console` events. */
  | { readonly type: "boot" }
  /** Stops the running software, by a reset or a loss of power. */
  | { readonly type: "halt" }
  /** The flash is busy from now on. With `flashTakesTime`, later actions wait for it. */
  | { readonly type: "busy"; readonly durationMs: number }
  /** The flash lost power during a command. The board is off until `power-on`. */
  | { readonly type: "power-lost"; readonly message: string }
  /** Sets the timer, replacing an earlier one. */
  | { readonly type: "set-timer"; readonly at: number }
  | { readonly type: "clear-timer" };

/**
 * State of a board: `held` in reset; `strapping`, released before the boot pin is read; `download`, the loader waits for a
 * host; `app`, the software in flash runs or tries to; `hung`, software that answers nothing.
 */
export type SerialBoardState = "off" | "held" | "strapping" | "download" | "app" | "hung";
