import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { BrokerUser } from "./password-file.ts";
import { PASSWORD_COST, type PasswordHash, verifyPassword } from "./password-hash.ts";

/** How checking a user name and password ended: `busy` if too many wait for theirs to be checked. */
export type LoginResult = BrokerUser | "wrong" | "busy";

/** Checks that may wait for their turn. */
const WAITING_MAX = 64;

/**
 * Checks passwords: one at a time, because each takes 16 MiB of memory and a core; and a password that was right once
 * at next to no cost, so that a thousand devices that come back together, or behind a flood of guesses, need not wait.
 */
export class Login {
  readonly #verify: typeof verifyPassword;
  readonly #users: ReadonlyMap<string, BrokerUser>;
  /** What right passwords gave under a key that this process alone has. */
  readonly #known: Map<string, Uint8Array> = new Map();
  readonly #key: Uint8Array = randomBytes(32);
  /** For names that nobody has: telling them apart by time would give the names away. */
  readonly #nobody: PasswordHash = { ...PASSWORD_COST, salt: randomBytes(16), hash: randomBytes(32) };
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** @param verify - Checks one password; `verifyPassword` without it. */
  constructor(users: readonly BrokerUser[], verify: typeof verifyPassword = verifyPassword) {
    this.#verify = verify;
    this.#users = new Map(users.map((user) => [user.name, user]));
  }

  async check(name: string, password: Uint8Array): Promise<LoginResult> {
    const user = this.#users.get(name);
    const mark = createHmac("sha256", this.#key).update(password).digest();
    const known = this.#known.get(name);
    if (user !== undefined && known !== undefined && timingSafeEqual(known, mark)) return user;
    if (this.#waiting >= WAITING_MAX) return "busy";
    const isRight = await this.#inTurn(() => this.#verify(password, user?.password ?? this.#nobody));
    if (!isRight || user === undefined) return "wrong";
    this.#known.set(name, mark);
    return user;
  }

  async #inTurn(work: () => Promise<boolean>): Promise<boolean> {
    this.#waiting++;
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waiting--;
    }
  }
}
