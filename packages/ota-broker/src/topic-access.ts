import { isTopicRoot, parseTopic, TOPIC_SIZE_MAX, utf8 } from "@tinybms/ota-core";
import { findTopic, rootOf } from "./find-topic.ts";

/** Who a client is, as far as the broker knows. */
export type Identity =
  /** A process of this machine, where nobody has to say who they are. */
  | { readonly role: "local" }
  | { readonly role: "publisher"; readonly name: string }
  /** Without a name: one of the devices, there is no telling which. */
  | { readonly role: "device"; readonly name: string | undefined };

/** Roots that are remembered: more than anybody has channels. */
const USED_ROOTS_MAX = 1_024;

/**
 * Who may publish and subscribe to what: the topics table of docs/protocol.md. A device publishes its own requests and
 * reports, and reads what publishers say to it or to all; a publisher may do everything else. Topics that begin with
 * `$` are the broker's own.
 */
export class TopicAccess {
  readonly #roots: readonly string[] | undefined;
  /** Roots that publishers have used, where the broker does not know its own. */
  readonly #used: Set<string> = new Set();

  /** @param roots - The topics of the channels; without them, devices publish below the roots that publishers have used. */
  constructor(roots?: readonly string[]) {
    this.#roots = roots;
  }

  /** Notes that a client published a message. */
  published(identity: Identity, topic: string): void {
    if (this.#roots !== undefined || identity.role === "device") return;
    const root = rootOf(topic);
    const kind = root === undefined ? undefined : parseTopic(root, topic)?.kind;
    // A process of this machine may be a device as well.
    if (root !== undefined && kind !== "request" && kind !== "state") this.#add(root);
  }

  /** Notes that a client subscribed. A publisher listens to the reports and requests of all devices. */
  subscribed(identity: Identity, filter: string): void {
    if (this.#roots !== undefined || identity.role === "device") return;
    const root = /^(.*)\/v1\/device\/\+\/(?:state|request)$/.exec(filter)?.[1];
    if (root !== undefined && isTopicRoot(root)) this.#add(root);
  }

  mayPublish(identity: Identity, topic: string): boolean {
    if (topic.startsWith("$")) return false;
    if (identity.role === "local") return true;
    const roots = identity.role === "device" ? (this.#roots ?? [...this.#used]) : this.#roots;
    const parsed = findTopic(topic, roots);
    const isDevices = parsed?.kind === "request" || parsed?.kind === "state";
    if (identity.role === "publisher") return !isDevices;
    return isDevices && isOwn(identity.name, parsed.device);
  }

  maySubscribe(identity: Identity, filter: string): boolean {
    if (identity.role === "local") return true;
    if (filter.startsWith("$")) return false;
    return identity.role === "publisher" || this.#mayDeviceSubscribe(identity.name, filter);
  }

  #add(root: string): void {
    if (this.#used.size < USED_ROOTS_MAX) this.#used.add(root);
  }

  #mayDeviceSubscribe(name: string | undefined, filter: string): boolean {
    const parsed = findTopic(filter, this.#roots);
    if (parsed !== undefined) return !("device" in parsed) || isOwn(name, parsed.device);
    const keysRoot = filter.endsWith("/v1/keys/+") ? filter.slice(0, -"/v1/keys/+".length) : undefined;
    if (keysRoot !== undefined) return this.#roots?.includes(keysRoot) ?? isTopicRoot(keysRoot);
    // The topic of blob mode, which is the root itself. It may be longer than one that has topics below it.
    if (this.#roots !== undefined) return this.#roots.includes(filter);
    return !/[+#]/.test(filter) && utf8(filter).length <= TOPIC_SIZE_MAX;
  }
}

function isOwn(name: string | undefined, device: string): boolean {
  return name === undefined || name === device;
}
