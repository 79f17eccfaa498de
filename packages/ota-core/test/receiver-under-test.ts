import { Receiver } from "../src/receiver/receiver.ts";
import type { ReceiverOptions } from "../src/receiver/receiver-options.ts";

/** What the suites use of a receiver. Another implementation that has these members runs the same suites. */
export type ReceiverUnderTest = Pick<Receiver, "error" | "handle" | "progress" | "report" | "state" | "stats">;

/** Creates the receiver that the suites test. The only place that names its implementation. */
export function createReceiver(options: ReceiverOptions): ReceiverUnderTest {
  return new Receiver(options);
}
