import { printable } from "@tinybms/cli-kit/output";
import { type DeviceProgress, type DeviceState, OtaError } from "@tinybms/ota-core";
import { flashBoard } from "./flash-board.ts";
import type { BoardRecord, FlashJob, FlashStage } from "./flash-job.ts";
import type { SerialPackage } from "./load-serial.ts";

/** What a stage is in the words of deliveries. */
const STATES: Readonly<Record<FlashStage, DeviceState>> = {
  connect: "waiting",
  compare: "checking",
  write: "downloading",
  verify: "verifying",
  start: "pending-verify",
  done: "confirmed",
  failed: "failed",
};

/** Receives what happens to boards. */
export interface BoardsWatch {
  /** A board got further. */
  onDevice(board: DeviceProgress): void;
  /** A sentence that the user should know. */
  onNote(text: string): void;
  /** What a board prints once it starts. */
  readonly onLog?: ((bytes: Uint8Array) => void) | undefined;
}

/** Flashes boards, all at once. */
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

/** A board as deliveries tell of devices. */
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

/** What is wrong with boards: the error of the only one, or how many of several failed. */
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
