import type { LoaderEffect } from "./loader-effect.ts";

/** Result of a command, with what the loader does around its response. */
export interface LoaderReply {
  /** One of `LoaderStatus`. @defaultValue OK */
  readonly status?: number;
  /** Value of the response. @defaultValue 0 */
  readonly value?: number;
  readonly payload?: Uint8Array;
  /** Delay of the response, in milliseconds. */
  readonly busyMs?: number;
  /** Runs after the response was sent. */
  readonly afterwards?: () => readonly LoaderEffect[];
}

/** Success without a value. */
export const DONE: LoaderReply = {};
