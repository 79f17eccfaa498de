/** An effect of a frame on the loader, in order. */
export type LoaderEffect =
  /** Sends bytes, already framed, on the line. */
  | { readonly type: "send"; readonly bytes: Uint8Array }
  /** Delays all later effects, of this and of later frames, by this many milliseconds. */
  | { readonly type: "busy"; readonly durationMs: number }
  /** Changes the baud rate in both directions. */
  | { readonly type: "baud-rate"; readonly baudRate: number }
  /** Leaves the loader and starts what is in flash. */
  | { readonly type: "run-app" }
  /** Resets by software. The pins are sampled again. */
  | { readonly type: "restart" }
  /** Jumped to an address where nothing answers. */
  | { readonly type: "hang" }
  /** The flash lost power during the command. */
  | { readonly type: "power-lost"; readonly message: string };
