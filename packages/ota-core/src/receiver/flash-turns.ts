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
 * Keeps flash operations one at a time. An activity may end while its last operation is under way, and the next
 * activity may begin with one: that operation waits, and the answer to the former activity is ignored.
 */
export class FlashTurns {
  #underWay: FlashOperation | undefined;
  #held: FlashAction | undefined;

  /** A chunk is being written, perhaps of a download that has ended: its bytes are still in the buffer for messages. */
  get isProgramming(): boolean {
    return this.#underWay === "program";
  }

  /** Returns actions without the flash operation that has to wait. */
  pass(actions: readonly ReceiverAction[]): ReceiverAction[] {
    return actions.filter((action) => {
      if (!isFlashAction(action)) return true;
      const canGo = this.#underWay === undefined;
      if (canGo) this.#underWay = action.type;
      else this.#held = action;
      return canGo;
    });
  }

  /**
   * Takes the answer to the operation under way.
   *
   * @returns The operation that waited for it, in which case the answer belongs to a former activity; `undefined` if no
   *   operation waited.
   */
  answered(): FlashAction | undefined {
    const held = this.#held;
    this.#underWay = undefined;
    this.#held = undefined;
    return held;
  }
}

function isFlashAction(action: ReceiverAction): action is FlashAction {
  return Object.hasOwn(OPERATIONS, action.type);
}
