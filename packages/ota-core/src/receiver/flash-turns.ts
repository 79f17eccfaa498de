import type { FlashOperation, ReceiverAction } from "./receiver-events.ts";

type FlashAction = Extract<ReceiverAction, { readonly type: FlashOperation }>;

/** Every flash operation. */
const OPERATIONS: Readonly<Record<FlashOperation, true>> = {
  "read-flash": true,
  "erase-sector": true,
  program: true,
  "verify-image": true,
  "invalidate-otadata": true,
  "set-boot-partition": true,
  "mark-valid": true,
  "roll-back": true,
};

/**
 * Keeps flash operations one at a time. An activity may end while its last operation is under way, and the next activity
 * may begin with one: that one waits, and the answer to the former activity goes to nobody.
 */
export class FlashTurns {
  #isUnderWay = false;
  #held: FlashAction | undefined;

  /** Returns actions without the flash operation that has to wait. */
  pass(actions: readonly ReceiverAction[]): ReceiverAction[] {
    return actions.filter((action) => {
      if (!isFlashAction(action)) return true;
      if (this.#isUnderWay) this.#held = action;
      const canGo = !this.#isUnderWay;
      this.#isUnderWay = true;
      return canGo;
    });
  }

  /**
   * Takes the answer to the operation under way.
   *
   * @returns The operation that waited for it: the answer is of a former activity. `undefined` if none waited.
   */
  answered(): FlashAction | undefined {
    const held = this.#held;
    this.#isUnderWay = false;
    this.#held = undefined;
    return held;
  }
}

function isFlashAction(action: ReceiverAction): action is FlashAction {
  return Object.hasOwn(OPERATIONS, action.type);
}
