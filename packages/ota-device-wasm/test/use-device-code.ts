import type { ReceiverOptions } from "@tinybms/ota-core";
import { WasmReceiver } from "../src/index.ts";

/** Stands in for `receiver-under-test.ts` of ota-core, so that its suites run with the device code in C. */
export function createReceiver(options: ReceiverOptions): WasmReceiver {
  return new WasmReceiver(options);
}
