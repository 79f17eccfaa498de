import { isTopicRoot, TOPIC_SIZE_MAX, utf8 } from "@tinybms/ota-core";
import { findTopic, rootOf } from "./find-topic.ts";

/** Identity of a client. */
export type Identity =
  /** A process of this machine, if no password is required. */
  | { readonly role: "local" }
  | { readonly role: "publisher"; readonly name: string }
  /** A device; without a name, any of the devices. */
  | { readonly role: "device"; readonly name: string | undefined };

/** Maximum number of remembered roots, far more than the number of channels. */
const USED_ROOTS_MAX = 1_024;

/**
 * Decides which topics a client may publish and subscribe to, according to the topics table of docs/protocol.md. A device
 * publishes its own requests and reports, and reads messages to itself or to all devices; a publisher may do everything
 * else. Topics that begin with `$` belong to the broker.
 */
export class TopicAccess {
  readonly #roots: readonly string[] | undefined;
  /** Roots that publishers have used, if no roots are configured. */
  readonly #used: Set<string> = new Set();

  /** @param roots - Topics of the channels; by default, devices may publish below the roots that publishers have used. */
  constructor(roots?: readonly string[]) {
    this.#roots = roots;
  }

  /** Records that a client published a message. */
  published(identity: Identity, topic: string): void {
    if (this.#roots !== undefined || identity.role === "device") return;
    const root = rootOf(topic);
    const kind = findTopic(topic, undefined)?.kind;
    // A process of this machine may also be a device.
    if (root !== undefined && kind !== "request" && kind !== "state") this.#add(root);
  }

  /** Records that a client subscribed. A publisher subscribes to the reports and requests of all devices. */
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
    // In blob mode the topic is the root itself. It may be longer than a root with topics below it.
    if (this.#roots !== undefined) return this.#roots.includes(filter);
    return !/[+#]/.test(filter) && utf8(filter).length <= TOPIC_SIZE_MAX;
  }
}

function isOwn(name: string | undefined, device: string): boolean {
  return name === undefined || name === device;
}
