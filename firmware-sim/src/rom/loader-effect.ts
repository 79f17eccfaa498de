/** What a loader does upon a frame, in order. */
export type LoaderEffect =
  /** Bytes for the line, framed. */
  | { readonly type: "send"; readonly bytes: Uint8Array }
  /** Whatever comes after, of this frame and of those that follow, waits so many milliseconds. */
  | { readonly type: "busy"; readonly durationMs: number }
  /** Sends and receives at this rate from now on. */
  | { readonly type: "baud-rate"; readonly baudRate: number }
  /** Leaves the loader for what is in flash. */
  | { readonly type: "run-app" }
  /** Resets by software: the pins that were read last count again. */
  | { readonly type: "restart" }
  /** Has jumped to where nothing answers. */
  | { readonly type: "hang" }
  /** The flash lost power within the command. */
  | { readonly type: "power-lost"; readonly message: string };
