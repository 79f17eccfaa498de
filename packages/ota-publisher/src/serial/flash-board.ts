import { isOtaError } from "@tinybms/ota-core";
import type { Flasher, FlashPlan, SerialLine } from "@tinybms/ota-serial";
import type { BoardRecord, FlashJob, FlashWatch } from "./flash-job.ts";
import type { SerialPackage } from "./load-serial.ts";

/**
 * Flashes one board: opens the port, identifies the board, plans, writes, starts the app and waits for its version. In
 * every case, resets the board out of its loader and closes the port.
 *
 * @returns The record, also of a failure.
 * @throws Errors that are not an `OtaError`.
 */
export async function flashBoard(
  serial: SerialPackage,
  port: string,
  job: FlashJob,
  watch: FlashWatch,
): Promise<BoardRecord> {
  const startedAt = performance.now();
  let record: BoardRecord = {
    ...{ port, outcome: "failed", board: undefined, plan: undefined, written: 0, unchanged: 0, bytesSent: 0 },
    ...{ baudRate: undefined, durationMs: 0, started: undefined, error: undefined },
  };
  const learn = (facts: Partial<BoardRecord>): void => {
    record = { ...record, ...facts };
  };
  try {
    watch.onStage("connect", 0, 0);
    const line = counting(await serial.openPort(port), (bytesSent) => learn({ bytesSent }));
    try {
      await work(serial, line, job, watch, learn);
    } finally {
      await line.close().catch(() => undefined);
    }
  } catch (error) {
    if (!isOtaError(error)) throw error;
    watch.onStage("failed", 0, 0);
    learn({ error, outcome: "failed" });
  }
  return { ...record, durationMs: performance.now() - startedAt };
}

async function work(
  serial: SerialPackage,
  line: SerialLine,
  job: FlashJob,
  watch: FlashWatch,
  learn: (facts: Partial<BoardRecord>) => void,
): Promise<void> {
  const { reach, signal } = job;
  const flasher = await serial.Flasher.connect(line, { ...reach, signal, onNote: watch.onNote });
  learn({ board: flasher.board, baudRate: flasher.baudRate });
  let plan: FlashPlan;
  try {
    plan = await planOf(serial, flasher, job);
    learn({ plan });
    if (!job.dryRun) await write(flasher, plan, watch, learn);
  } catch (error) {
    // Start the old app, if it still exists: a board in its loader looks dead.
    await flasher.startApp().catch(() => undefined);
    throw error;
  }
  await flasher.startApp();
  if (job.dryRun) learn({ outcome: "planned" });
  else {
    if (job.watchSeconds > 0 && plan.app !== undefined) {
      watch.onStage("start", 0, 0, plan);
      const { version } = plan.app;
      learn({ started: await serial.watchBoot(line, { version, seconds: job.watchSeconds, onBytes: watch.onLog }) });
    }
    learn({ outcome: "flashed" });
    watch.onStage("done", 1, 1, plan);
  }
}

async function planOf(serial: SerialPackage, flasher: Flasher, { content, reach }: FlashJob): Promise<FlashPlan> {
  const { port, board } = flasher;
  if (content.type === "parts") return serial.planWholeFlash(port, board, content.parts, content.options);
  const layout = await flasher.readLayout(reach.tableOffset);
  return serial.planAppFlash(port, board, layout, content.app, content.options);
}

async function write(
  flasher: Flasher,
  plan: FlashPlan,
  watch: FlashWatch,
  learn: (facts: Partial<BoardRecord>) => void,
): Promise<void> {
  for (const warning of plan.warnings) watch.onNote(warning);
  const { written, unchanged } = await flasher.flash(plan, ({ step, done, total }) => {
    if (step !== "read") watch.onStage(step, done, total, plan);
  });
  learn({ written, unchanged, baudRate: flasher.baudRate });
}

/** Wraps a line to count the written bytes. */
function counting(line: SerialLine, onWritten: (bytes: number) => void): SerialLine {
  let written = 0;
  return {
    port: line.port,
    usb: line.usb,
    get hasSignals() {
      return line.hasSignals;
    },
    canSetSignalsTogether: line.canSetSignalsTogether,
    hasBaudRate: line.hasBaudRate,
    write: (bytes) => {
      written += bytes.length;
      onWritten(written);
      return line.write(bytes);
    },
    read: (timeoutMs) => line.read(timeoutMs),
    setSignals: (signals) => line.setSignals(signals),
    setBaudRate: (baudRate) => line.setBaudRate(baudRate),
    wait: (ms) => line.wait(ms),
    now: () => line.now(),
    close: () => line.close(),
  };
}
