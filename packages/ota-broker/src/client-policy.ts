import type { AedesOptions, AuthenticateError, Client } from "aedes";
import type { BrokerLimits } from "./broker-limits.ts";
import { ClientStream } from "./client-stream.ts";
import { Login } from "./login.ts";
import { type BlobTopics, messageSizeMax } from "./message-size.ts";
import type { BrokerUser } from "./password-file.ts";
import { addressGroup, isOfThisMachine } from "./remote-address.ts";
import { RetainedMessages } from "./retained-messages.ts";
import { type Identity, TopicAccess } from "./topic-access.ts";

/** Options of a {@link ClientPolicy}. */
export interface PolicyOptions {
  /**
   * Users who may connect. If `undefined`, every client may connect: as a device, or with all rights from this machine.
   */
  readonly users: readonly BrokerUser[] | undefined;
  /** Topic roots below which clients may publish and subscribe; `undefined` allows any. */
  readonly topicRoots: readonly string[] | undefined;
  readonly limits: BrokerLimits;
  /** Topics on which publishers may send whole images. */
  readonly blob: BlobTopics;
  /** Called for each refusal of a client's request. */
  readonly onRefused: (conn: Client["conn"], clientId: string, reason: string) => void;
}

/** Handlers of aedes that decide what a client may do. */
type Handlers = Required<Pick<AedesOptions, "preConnect" | "authenticate" | "authorizePublish" | "authorizeSubscribe">>;

/** Return codes of CONNACK (MQTT 3.1.1 section 3.2.2.3). */
const ReturnCode = { identifier: 2, unavailable: 3, credentials: 4, unauthorized: 5 } as const;

/** Authenticates and authorizes the clients of a broker. */
export class ClientPolicy {
  readonly #options: PolicyOptions;
  readonly #login: Login | undefined;
  readonly #access: TopicAccess;
  readonly #retained: RetainedMessages;
  readonly #identities: WeakMap<Client, Identity> = new WeakMap();
  readonly #subscriptions: WeakMap<Client, Set<string>> = new WeakMap();
  /** Connected clients by identifier. */
  readonly #holders: Map<string, Client> = new Map();

  constructor(options: PolicyOptions) {
    this.#options = options;
    this.#login = options.users === undefined ? undefined : new Login(options.users);
    this.#access = new TopicAccess(options.topicRoots);
    this.#retained = new RetainedMessages(options.limits.retainedBytesMax);
  }

  /** Returns `true` if a client is authenticated and may send messages as large as an image. */
  mayDeliver(client: Client | undefined): boolean {
    const identity = client === undefined ? undefined : this.#identities.get(client);
    return identity !== undefined && identity.role !== "device";
  }

  /** Records that a client unsubscribed. */
  unsubscribed(client: Client, filters: readonly string[]): void {
    for (const filter of filters) this.#subscriptions.get(client)?.delete(filter);
  }

  /** Handlers for the options of aedes. */
  readonly handlers: Handlers = {
    preConnect: (_client, packet, done) => {
      // A session that outlived its connection would collect messages in memory for a client that may never return.
      packet.clean = true;
      done(null, true);
    },
    authenticate: (client, username, password, done) => {
      this.#identify(client, username, password)
        .then((identity) => this.#admit(client, identity))
        .then(
          () => done(null, true),
          (error: AuthenticateError) => {
            this.#refuse(client, error.message);
            done(error, false);
          },
        );
    },
    authorizePublish: (client, packet, done) => {
      if (client === null) return done(null);
      const { topic, payload, retain } = packet;
      const identity = this.#identities.get(client);
      if (identity === undefined || !this.#access.mayPublish(identity, topic)) {
        return done(this.#refuse(client, `it may not publish on ${JSON.stringify(topic)}`));
      }
      const fault = this.#messageFault(client, identity, { topic, sizeBytes: payload.length, retain });
      if (fault !== undefined) return done(this.#refuse(client, fault));
      this.#access.published(identity, topic);
      done(null);
    },
    authorizeSubscribe: (client, subscription, done) => {
      const fault = this.#subscriptionFault(client, subscription.topic);
      if (fault === undefined) return done(null, subscription);
      this.#refuse(client, fault);
      // Without a subscription, aedes answers 0x80 in SUBACK and keeps the connection.
      done(null, null);
    },
  };

  /**
   * Returns the reason to refuse a message, if any. Wills are checked here too: the guard checks only the size of their
   * CONNECT.
   */
  #messageFault(client: Client, identity: Identity, message: MessageFacts): string | undefined {
    const { topic, sizeBytes, retain } = message;
    const sizeMax = messageSizeMax(topic, this.mayDeliver(client) ? this.#options.blob : undefined);
    if (sizeBytes > sizeMax) {
      return `its message of ${sizeBytes} bytes is too large for ${JSON.stringify(topic)}, which takes ${sizeMax}`;
    }
    const { retainedBytesPerPublisherMax, retainedBytesPerDeviceMax } = this.#options.limits;
    const shareMax = identity.role === "device" ? retainedBytesPerDeviceMax : retainedBytesPerPublisherMax;
    if (!retain || this.#retained.put(topic, sizeBytes, ownerOf(client, identity), shareMax)) return undefined;
    return `there is no room to retain a message of ${sizeBytes} bytes`;
  }

  async #identify(client: Client, username: string | undefined, password: Uint8Array | undefined): Promise<Identity> {
    if (this.#login === undefined) {
      const isLocal = client.conn instanceof ClientStream && isOfThisMachine(client.conn);
      return isLocal ? { role: "local" } : { role: "device", name: undefined };
    }
    if (username === undefined || password === undefined) {
      throw refusal(ReturnCode.unauthorized, "it gave no user name and password");
    }
    const result = await this.#login.check(username, password);
    if (result === "busy") throw refusal(ReturnCode.unavailable, "too many passwords wait to be checked");
    if (result === "wrong") throw refusal(ReturnCode.credentials, "its user name or password is wrong");
    return { role: result.role, name: result.name };
  }

  /**
   * Admits a client. It replaces an older one with the same identifier (MQTT-3.1.4-2), which must have the same
   * identity.
   */
  #admit(client: Client, identity: Identity): void {
    const holder = this.#holders.get(client.id);
    const held = holder === undefined || holder.closed ? undefined : this.#identities.get(holder);
    if (held !== undefined && !isSame(held, identity)) {
      throw refusal(ReturnCode.identifier, "another client is connected with its client identifier");
    }
    this.#identities.set(client, identity);
    this.#holders.set(client.id, client);
    client.conn.once("close", () => {
      if (this.#holders.get(client.id) === client) this.#holders.delete(client.id);
    });
  }

  #subscriptionFault(client: Client, filter: string): string | undefined {
    const identity = this.#identities.get(client);
    if (identity === undefined || !this.#access.maySubscribe(identity, filter)) {
      return `it may not subscribe to ${JSON.stringify(filter)}`;
    }
    const filters = this.#subscriptions.get(client) ?? new Set();
    this.#subscriptions.set(client, filters);
    const { deviceSubscriptionsMax, subscriptionsMax } = this.#options.limits;
    const max = identity.role === "device" ? deviceSubscriptionsMax : subscriptionsMax;
    if (!filters.has(filter) && filters.size >= max) return `it has reached its limit of ${max} subscriptions`;
    filters.add(filter);
    this.#access.subscribed(identity, filter);
    return undefined;
  }

  #refuse(client: Client, reason: string): Error {
    this.#options.onRefused(client.conn, client.id, reason);
    return new Error(reason);
  }
}

/** Checked properties of a message. */
interface MessageFacts {
  readonly topic: string;
  readonly sizeBytes: number;
  readonly retain: boolean;
}

/** Returns the owner whose share of the retained messages is used. A client without a name can't choose its share. */
function ownerOf(client: Client, identity: Identity): string {
  if (identity.role === "local") return `local ${client.id}`;
  if (identity.name !== undefined) return `${identity.role} ${identity.name}`;
  const address = client.conn instanceof ClientStream ? client.conn.remoteAddress : undefined;
  return `address ${addressGroup(address ?? "")}`;
}

function isSame(one: Identity, other: Identity): boolean {
  if (one.role === "local" || other.role === "local") return one.role === other.role;
  return one.role === other.role && one.name === other.name;
}

function refusal(returnCode: AuthenticateError["returnCode"], reason: string): AuthenticateError {
  return Object.assign(new Error(reason), { returnCode });
}
