import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { BrokerUser } from "./password-file.ts";
import { PASSWORD_COST, type PasswordHash, verifyPassword } from "./password-hash.ts";

/** Result of checking a user name and password; `busy` if too many checks are waiting. */
export type LoginResult = BrokerUser | "wrong" | "busy";

/** Maximum number of checks that wait. */
const WAITING_MAX = 64;

/**
 * Checks passwords, one at a time because each check takes 16 MiB of memory and a core. A password that was correct before
 * is checked at almost no cost, so that a thousand devices that reconnect together don't wait, not even during an attack.
 */
export class Login {
  readonly #verify: typeof verifyPassword;
  readonly #users: ReadonlyMap<string, BrokerUser>;
  /** HMACs of correct passwords by user name, under a key that only this process has. */
  readonly #known: Map<string, Uint8Array> = new Map();
  readonly #key: Uint8Array = randomBytes(32);
  /** Hash that is checked for unknown names, so that the time does not reveal which names exist. */
  readonly #unknownUser: PasswordHash = { ...PASSWORD_COST, salt: randomBytes(16), hash: randomBytes(32) };
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** @param verify - Checks one password. */
  constructor(users: readonly BrokerUser[], verify: typeof verifyPassword = verifyPassword) {
    this.#verify = verify;
    this.#users = new Map(users.map((user) => [user.name, user]));
  }

  /** Checks a user name and password. */
  async check(name: string, password: Uint8Array): Promise<LoginResult> {
    const user = this.#users.get(name);
    const mark = createHmac("sha256", this.#key).update(password).digest();
    const known = this.#known.get(name);
    if (user !== undefined && known !== undefined && timingSafeEqual(known, mark)) return user;
    if (this.#waiting >= WAITING_MAX) return "busy";
    const isRight = await this.#inTurn(() => this.#verify(password, user?.password ?? this.#unknownUser));
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
