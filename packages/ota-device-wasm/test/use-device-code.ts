import type { ReceiverOptions } from "@tinybms/ota-core";
import { afterEach } from "vitest";
import { WasmReceiver } from "../src/index.ts";

const created: WasmReceiver[] = [];

afterEach(() => {
  for (const receiver of created.splice(0)) receiver.dispose();
});

/** Stands in for `receiver-under-test.ts` of ota-core, so that its suites run with the device code in C. */
export function createReceiver(options: ReceiverOptions): WasmReceiver {
  const receiver = new WasmReceiver(options);
  created.push(receiver);
  return receiver;
}
