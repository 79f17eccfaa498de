import type { MessagePort } from "node:worker_threads";
import type { VectorHeader, VectorObject } from "./vector.ts";

/** What a thread that waits asks of the thread that talks to programs. `id` numbers the processes. */
export type ExecOrder =
  | { readonly type: "start"; readonly id: number; readonly header: VectorHeader }
  | { readonly type: "handle"; readonly id: number; readonly event: VectorObject }
  | { readonly type: "kill"; readonly id: number };

/** Answer to a `handle` order: the program's actions, or why there are none. */
export type ExecAnswer = { readonly actions: readonly VectorObject[] } | { readonly fault: string };

/** Data of the thread that talks to programs. */
export interface ExecThreadData {
  /** Command line of the program. */
  readonly command: string;
  /** Takes orders, and sends answers. */
  readonly port: MessagePort;
  /** One number of 32 bits, which becomes 1 once an answer is sent. */
  readonly answered: SharedArrayBuffer;
}
