import type { OtaErrorCode } from "../errors.ts";
import type {
  FlashOperation,
  NetworkStatus,
  ReceiverAction,
  ReceiverContext,
  ReceiverEvent,
} from "./receiver-events.ts";
import type { Attempt } from "./receiver-record.ts";

/** An event that concerns a probation. */
export type ProbationEvent =
  | Extract<ReceiverEvent, { type: "network" | "timer" | "self-test" | "flash-done" | "flash-failed" }>
  /** The probation starts. It is over `durationMs` from now, or up to `maxMs` from now if it is extended. */
  | { readonly type: "begin"; readonly durationMs: number; readonly maxMs: number }
  /** The broker accepted the connection: part of the proof, because an unreachable image can't be updated. */
  | { readonly type: "connected" }
  /** The image must not stay. */
  | { readonly type: "give-up"; readonly code: OtaErrorCode };

/** How a probation ended. */
export type ProbationEnd =
  /** The image stays. */
  | { readonly type: "confirmed"; readonly attempt: Attempt | undefined }
  /** The image failed, and there is no other to go back to. */
  | { readonly type: "stuck"; readonly attempt: Attempt | undefined };

/** Result of {@link Probation.handle}. Carry it out in the order of its members. */
export interface ProbationStep {
  /** The attempt to store first. */
  readonly attempt?: Attempt | undefined;
  /** Why the image is being given up. Report it before the reset that follows. */
  readonly error?: OtaErrorCode;
  readonly actions: readonly ReceiverAction[];
  readonly end?: ProbationEnd;
}

/** Error of an image that did not reach the broker in time. */
const UNREACHED: Readonly<Record<NetworkStatus | "unknown", OtaErrorCode>> = {
  unknown: "delivery/broker-not-reached",
  up: "delivery/broker-not-reached",
  "broker-refused": "delivery/broker-refused",
  down: "delivery/network-down",
};

const NOTHING: ProbationStep = { actions: [] };

/**
 * The time in which a new image has to prove itself. It stays if it reached the broker and passed its own check in time;
 * otherwise the device rolls back to the image before it.
 *
 * Sans-IO: {@link Probation.handle} takes an event and returns what to do.
 */
export class Probation {
  readonly #attempt: Attempt | undefined;
  #hasPassed = false;
  /** The flash was asked to confirm the image or to roll back. Nothing that comes before the answer changes that. */
  #isDecided = false;
  #network: NetworkStatus | "unknown" = "unknown";
  #durationMs = 0;
  /** When an extended probation is over. */
  #latest = 0;
  #isExtended = false;

  /** @param attempt - The attempt on probation; `undefined` for an image that came another way, such as a cable. */
  constructor(attempt: Attempt | undefined) {
    this.#attempt = attempt;
  }

  /** Takes one event. */
  handle(event: ProbationEvent, { now, isConnected }: ReceiverContext): ProbationStep {
    switch (event.type) {
      case "begin":
        this.#durationMs = event.durationMs;
        this.#latest = now + Math.max(event.durationMs, event.maxMs);
        return this.#wait(now);
      case "connected":
        if (this.#isDecided) return NOTHING;
        if (this.#hasPassed) return this.#confirm();
        // The self-test of an image that came late gets its time too.
        return this.#isExtended ? this.#wait(now) : NOTHING;
      case "self-test":
        if (this.#isDecided) return NOTHING;
        if (!event.passed) return this.#giveUp("delivery/self-test-failed");
        this.#hasPassed = true;
        return isConnected ? this.#confirm() : NOTHING;
      case "network":
        this.#network = event.status;
        return NOTHING;
      case "timer":
        if (event.timer !== "probation" || this.#isDecided) return NOTHING;
        if (isConnected) return this.#giveUp("delivery/self-test-unanswered");
        if (now >= this.#latest || !this.#hasNetwork) return this.#giveUp(UNREACHED[this.#network]);
        this.#isExtended = true;
        return this.#wait(now);
      case "flash-done":
        if (event.result.operation !== "mark-valid") return NOTHING;
        return { actions: [], end: { type: "confirmed", attempt: this.#attempt } };
      case "flash-failed":
        return this.#onFlashFailed(event.operation);
      case "give-up":
        return this.#giveUp(event.code);
    }
  }

  #onFlashFailed(operation: FlashOperation): ProbationStep {
    if (operation === "mark-valid") return this.#giveUp("delivery/image-rejected");
    return operation === "roll-back" ? { actions: [], end: { type: "stuck", attempt: this.#attempt } } : NOTHING;
  }

  /** The broker may be overloaded or on its way back: not the image's fault. */
  get #hasNetwork(): boolean {
    return this.#network === "up" || this.#network === "broker-refused";
  }

  #wait(now: number): ProbationStep {
    // An event may overtake a timer that is due.
    const at = Math.max(now, Math.min(now + this.#durationMs, this.#latest));
    return { actions: [{ type: "set-timer", timer: "probation", at }] };
  }

  #confirm(): ProbationStep {
    this.#isDecided = true;
    const attempt = this.#attempt === undefined ? undefined : { ...this.#attempt, proven: true };
    return { attempt, actions: [{ type: "mark-valid" }] };
  }

  #giveUp(error: OtaErrorCode): ProbationStep {
    this.#hasPassed = false;
    this.#isDecided = true;
    const attempt = this.#attempt === undefined ? undefined : { ...this.#attempt, error };
    return { attempt, error, actions: [{ type: "clear-timer", timer: "probation" }, { type: "roll-back" }] };
  }
}
