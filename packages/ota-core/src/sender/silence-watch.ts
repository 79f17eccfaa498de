import type { SenderTiming } from "../messages/timing.ts";
import type { DeviceEntry, DeviceLedger } from "./device-ledger.ts";
import type { SenderOutbox } from "./sender-outbox.ts";

/** Minimum time between two searches for silent devices, in milliseconds. */
const LOOK_MIN_MS = 1_000;

/** Gives up devices that are silent for too long. Sets the timer `silence` in an outbox. */
export class SilenceWatch {
  readonly #ledger: DeviceLedger;
  readonly #timing: SenderTiming;
  readonly #stateFilter: string;
  readonly #out: SenderOutbox;
  #connectedAt = 0;
  /** When the retained reports were last asked for again. */
  #rereadAt = Number.NEGATIVE_INFINITY;

  /** @param stateFilter - Filter of all state reports. */
  constructor(ledger: DeviceLedger, timing: SenderTiming, stateFilter: string, out: SenderOutbox) {
    this.#ledger = ledger;
    this.#timing = timing;
    this.#stateFilter = stateFilter;
    this.#out = out;
  }

  /** Records a new connection: while the publisher could not hear, silence means nothing. */
  connected(now: number): void {
    this.#connectedAt = now;
    this.#out.setTimer("silence", now + this.#rereadMs);
  }

  /**
   * Looks for silent devices, and again when the next one may be silent for too long.
   *
   * @returns The devices given up now.
   */
  look(isConnected: boolean, now: number): readonly DeviceEntry[] {
    const { unreachableMs, readBackMs } = this.#timing;
    const isSilent = this.#ledger.hasSilent(now, this.#rereadMs, this.#connectedAt);
    if (isSilent && isConnected && now >= this.#rereadAt + this.#rereadMs) {
      // A broker drops reports when the publisher's queue is full, but it retains them.
      this.#rereadAt = now;
      this.#out.subscribe([this.#stateFilter]);
    }
    const { gone, nextAt } = this.#ledger.giveUpSilent(now, unreachableMs, this.#connectedAt);
    const lookAt = nextAt - readBackMs > now ? nextAt - readBackMs : nextAt;
    this.#out.setTimer("silence", Math.max(lookAt, now + LOOK_MIN_MS));
    return gone;
  }

  /** Silence after which the retained reports are asked for again, in milliseconds. */
  get #rereadMs(): number {
    return this.#timing.unreachableMs - this.#timing.readBackMs;
  }
}
