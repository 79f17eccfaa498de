import { printable } from "@tinybms/cli-kit/output";
import { type DeviceProgress, type DeviceState, OtaError } from "@tinybms/ota-core";
import { flashBoard } from "./flash-board.ts";
import type { BoardRecord, FlashJob, FlashStage } from "./flash-job.ts";
import type { SerialPackage } from "./load-serial.ts";

/** Device states for the stages of flashing. */
const STATES: Readonly<Record<FlashStage, DeviceState>> = {
  connect: "waiting",
  compare: "checking",
  write: "downloading",
  verify: "verifying",
  start: "pending-verify",
  done: "confirmed",
  failed: "failed",
};

/** Receives the events of boards. */
export interface BoardsWatch {
  /** Called when a board makes progress. */
  onDevice(board: DeviceProgress): void;
  /** Called with a sentence for the user. */
  onNote(text: string): void;
  /** Called with the output of a board that starts. */
  readonly onLog?: ((bytes: Uint8Array) => void) | undefined;
}

/** Flashes several boards in parallel. */
export async function flashBoards(
  serial: SerialPackage,
  ports: readonly string[],
  job: FlashJob,
  { onDevice, onNote, onLog }: BoardsWatch,
): Promise<readonly BoardRecord[]> {
  return await Promise.all(
    ports.map((port) =>
      flashBoard(serial, port, job, {
        onStage: (stage, done, total, plan) =>
          onDevice({ ...UNKNOWN, device: port, state: STATES[stage], received: done, total, slot: plan?.slot }),
        onNote: (text) => onNote(printable(text)),
        onLog: (bytes) => onLog?.(bytes),
      }),
    ),
  );
}

/** Converts the record of a board to the progress of a device. */
export function progressOf({
  port,
  board,
  plan,
  started,
  outcome,
  written,
  unchanged,
  durationMs,
  error,
}: BoardRecord): DeviceProgress {
  return {
    ...UNKNOWN,
    device: board?.mac ?? port,
    state: outcome === "flashed" ? "confirmed" : outcome === "failed" ? "failed" : "idle",
    version: started?.version ?? undefined,
    slot: plan?.slot,
    received: written + unchanged,
    total: written + unchanged,
    error: error === undefined ? undefined : { code: error.code, message: error.message },
    endedAtMs: durationMs,
  };
}

/** Returns the error of a single board, or the error that counts the failed ones of several boards. */
export function boardsError(records: readonly BoardRecord[]): OtaError | undefined {
  const failed = records.filter(({ error }) => error !== undefined);
  const [first] = failed;
  if (records.length < 2 || first === undefined) return first?.error;
  const ports = failed.map(({ port }) => port);
  const message = `${failed.length} of ${records.length} boards were not flashed: ${ports.map(printable).join(", ")}`;
  return new OtaError("serial/boards-failed", message, { ports }, { cause: first.error });
}

const UNKNOWN = {
  version: undefined,
  online: true,
  error: undefined,
  heardAtMs: undefined,
  endedAtMs: undefined,
} satisfies Partial<DeviceProgress>;
