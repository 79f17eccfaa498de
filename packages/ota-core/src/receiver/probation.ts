import type { OtaErrorCode } from "../errors.ts";
import type { FlashOperation, ReceiverAction } from "./receiver-events.ts";
import type { Attempt } from "./receiver-record.ts";

/** What a probation needs of the receiver that runs it. */
export interface ProbationHost {
  isConnected(): boolean;
  emit(action: ReceiverAction): void;
  /** Writes the attempt down, before any later action. */
  store(attempt: Attempt): void;
  /** The image is being given up: to be told before the reset that follows. */
  givenUp(code: OtaErrorCode): void;
  /** The image stays. */
  confirmed(): void;
  /** The image failed, and there is no other to go back to. */
  stuck(): void;
}

/**
 * The time in which a new image has to prove itself: it stays when it reached the broker and its own check passed, in time;
 * otherwise the one before is gone back to, by a reset.
 *
 * Sans-IO, as the receiver.
 */
export class Probation {
  /** The attempt that it is of; `undefined` for an image that came another way. */
  readonly attempt: Attempt | undefined;
  readonly #host: ProbationHost;
  #hasPassed = false;

  constructor(attempt: Attempt | undefined, host: ProbationHost) {
    this.attempt = attempt;
    this.#host = host;
  }

  /** @param end - When its time is over. */
  begin(end: number): void {
    this.#host.emit({ type: "set-timer", timer: "probation", at: end });
  }

  /** The broker was reached: part of the proof, as an image that can't be reached can't be updated. */
  connected(): void {
    if (this.#hasPassed) this.#confirm();
  }

  /** The application's own check has come to its end. */
  selfTest(hasPassed: boolean): void {
    if (!hasPassed) return this.rollBack("delivery/self-test-failed");
    this.#hasPassed = true;
    if (this.#host.isConnected()) this.#confirm();
  }

  /** Gives the image up. */
  rollBack(code: OtaErrorCode): void {
    this.#hasPassed = false;
    if (this.attempt !== undefined) this.#host.store({ ...this.attempt, error: code });
    this.#host.givenUp(code);
    this.#host.emit({ type: "clear-timer", timer: "probation" });
    this.#host.emit({ type: "roll-back" });
  }

  onFlashDone(operation: FlashOperation): void {
    if (operation === "mark-valid") this.#host.confirmed();
  }

  onFlashFailed(operation: FlashOperation): void {
    if (operation === "mark-valid") this.rollBack("delivery/image-rejected");
    if (operation === "roll-back") this.#host.stuck();
  }

  #confirm(): void {
    if (this.attempt !== undefined) this.#host.store({ ...this.attempt, proven: true });
    this.#host.emit({ type: "mark-valid" });
  }
}
