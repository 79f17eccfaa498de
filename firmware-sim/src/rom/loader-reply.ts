import type { LoaderEffect } from "./loader-effect.ts";

/** How a command ended, and what the loader does around its response. */
export interface LoaderReply {
  /** One of `LoaderStatus`; OK without it. */
  readonly status?: number;
  /** The response's value; 0 without it. */
  readonly value?: number;
  readonly payload?: Uint8Array;
  /** How long the response takes, in milliseconds. */
  readonly busyMs?: number;
  /** Carried out when the response is on its way. */
  readonly afterwards?: () => readonly LoaderEffect[];
}

/** Done, and nothing to say about it. */
export const DONE: LoaderReply = {};
