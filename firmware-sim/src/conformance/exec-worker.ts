/** Worker thread of `exec-thread.ts`: talks to the processes of a program while the other thread waits. */
import { workerData } from "node:worker_threads";
import { isOtaError } from "@tinybms/ota-core";
import type { ExecAnswer, ExecOrder, ExecThreadData } from "./exec-protocol.ts";
import { ExecReceiver } from "./exec-receiver.ts";

const { command, port, answered } = workerData as ExecThreadData;
const flag = new Int32Array(answered);
const receivers = new Map<number, ExecReceiver>();

/** Started ahead, because the next start comes soon and programs take a while to start. */
let spare = new ExecReceiver(command);

port.on("message", async (order: ExecOrder) => {
  switch (order.type) {
    case "start": {
      const receiver = spare;
      receivers.set(order.id, receiver);
      spare = new ExecReceiver(command);
      return receiver.begin(order.header);
    }
    case "kill":
      receivers.get(order.id)?.kill();
      receivers.delete(order.id);
      return;
    case "handle":
      port.postMessage(await answerOf(order));
      Atomics.store(flag, 0, 1);
      Atomics.notify(flag, 0);
  }
});

async function answerOf({ id, event }: Extract<ExecOrder, { readonly type: "handle" }>): Promise<ExecAnswer> {
  try {
    return { actions: (await receivers.get(id)?.handle(event)) ?? [] };
  } catch (error) {
    if (!isOtaError(error)) throw error;
    return { fault: error.message };
  }
}
