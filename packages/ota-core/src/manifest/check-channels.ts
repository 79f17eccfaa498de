import { utf8 } from "../bytes.ts";
import type { JsonObject, JsonValue } from "../json/strict-json.ts";
import { isTopicRoot, TOPIC_SIZE_MAX, topicsOf } from "../messages/topics.ts";
import { labelOf } from "../schemas/problems.ts";
import type { Channels } from "../schemas/types.generated.ts";
import { needsAppImage, usedChannels } from "./channels.ts";
import { type Environment, expandEnvironment, holdsReference, MALFORMED } from "./environment.ts";
import { secretsOf } from "./secrets.ts";
import type { CheckedDocument, ValidationReport } from "./validation-report.ts";

/** Maximum size of an MQTT message that most brokers accept, in bytes: EMQX's default; AWS IoT accepts 128 KiB. */
const BLOB_SIZE_MAX = 1024 * 1024;

/** Maximum number of warnings of one kind per level: a hostile manifest could cause half a million. */
const WARNINGS_MAX = 100;

/** Maximum size of a topic root in bytes, so that a device's longest topic fits below it. */
const TOPIC_ROOT_SIZE_MAX = TOPIC_SIZE_MAX + 1 - topicsOf("t").request("d".repeat(64)).length;

/** The channels of one level: root manifest, version or artifact. */
export interface ChannelLevel {
  readonly document: CheckedDocument;
  /** JSON pointer of the channels. */
  readonly pointer: string;
  /** As parsed; they may violate the schema. */
  readonly channels: Partial<JsonObject>;
}

/** Delivery of one artifact. */
export interface Delivery {
  /** The levels to merge, root first. */
  readonly levels: readonly ChannelLevel[];
  readonly protocols: readonly string[];
  /** Place where the protocols are listed; absent if the default applies. */
  readonly listedAt?: { readonly document: CheckedDocument; readonly pointer: string };
  readonly artifact: {
    readonly document: CheckedDocument;
    readonly pointer: string;
    readonly size?: number | undefined;
  };
}

/** Reports unset variables and literal secrets in the channels of one level. */
export function checkLevel(report: ValidationReport, level: ChannelLevel, env: Environment | undefined): void {
  const { document, pointer } = level;
  const channels = level.channels as Channels;
  const { unset, malformed } = expandEnvironment(usedChannels(channels), env ?? {});
  for (const place of malformed.slice(0, WARNINGS_MAX)) {
    const message = `${labelOf(place)} contains a \${ that does not begin a variable; ${MALFORMED}`;
    report.add(document, "error", { code: "manifest/channel-invalid", path: pointer + place, message });
  }
  for (const { name, pointer: place } of env === undefined ? [] : unset.slice(0, WARNINGS_MAX)) {
    const message = `${labelOf(place)} uses the environment variable ${name}, which is unset here; deploy needs it`;
    report.add(document, "warning", { code: "manifest/variable-unset", path: pointer + place, message });
  }
  const secrets = secretsOf(channels);
  report.hide(secrets);
  const literals = secrets.filter(({ isLiteral }) => isLiteral);
  for (const { pointer: place, kind, value } of literals.slice(0, WARNINGS_MAX)) {
    const dollars = value.includes("$$") ? ", in which $$ means one dollar sign" : "";
    const message = `${labelOf(place)} holds ${kind} in full${dollars}: anyone who can read this file can use it; use an environment variable instead, such as $${variableFor(place)}`;
    report.add(document, "warning", { code: "manifest/literal-secret", path: pointer + place, message });
  }
}

/** Reports problems that prevent the delivery of an artifact over the channels of its protocols. */
export function checkDelivery(report: ValidationReport, delivery: Delivery, env: Environment | undefined): void {
  for (const protocol of delivery.protocols) checkProtocol(report, delivery, protocol);
  if (memberOf(delivery.levels, "mqtt", "topic") !== undefined) checkTopic(report, delivery, env);
  const { document, pointer, size } = delivery.artifact;
  if (!isBlob(delivery) || size === undefined || size <= BLOB_SIZE_MAX) return;
  const message = `the artifact holds ${size} bytes and goes as one MQTT message (mode blob); many brokers refuse more than ${BLOB_SIZE_MAX}`;
  report.add(document, "warning", { code: "manifest/blob-large", path: `${pointer}/size`, message });
}

/** Returns `true` if a delivery requires an app image. */
export function isInstalled({ levels, protocols }: Delivery): boolean {
  return needsAppImage(protocols, memberOf(levels, "mqtt", "mode")?.value);
}

/** The member that each channel requires. `broker` is not one, because `--broker` can replace it. */
const NEEDED: Readonly<Record<string, string>> = { mqtt: "topic", https: "url" };

function checkProtocol(report: ValidationReport, { levels, listedAt }: Delivery, protocol: string): void {
  const needed = Object.hasOwn(NEEDED, protocol) ? NEEDED[protocol] : undefined;
  if (needed === undefined) return;
  const code = "manifest/channel-invalid";
  const level = levels.findLast(({ channels }) => Object.hasOwn(channels, protocol));
  if (level !== undefined) {
    if (memberOf(levels, protocol, needed) !== undefined) return;
    const message = `${protocol} has no ${needed}, which a delivery over it needs`;
    report.add(level.document, "error", { code, path: `${level.pointer}/${protocol}`, message });
  } else if (listedAt !== undefined) {
    const message = `${protocol} is one of the protocols, but channels.${protocol} is missing`;
    report.add(listedAt.document, "warning", { code, path: listedAt.pointer, message });
  }
}

function checkTopic(report: ValidationReport, delivery: Delivery, env: Environment | undefined): void {
  const found = memberOf(delivery.levels, "mqtt", "topic");
  if (typeof found?.value !== "string") return;
  const { channels, unset } = expandEnvironment({ mqtt: { topic: found.value } }, env ?? {});
  const topic = channels.mqtt?.topic ?? "";
  // The schema reports an empty topic and wildcards, unless they come from a variable.
  if (unset.length > 0 || /^$|[+#\0]/.test(found.value)) return;
  const size = utf8(topic).length;
  const isFound = holdsReference(found.value) ? "topic, with its variables put in," : "topic";
  const fault = isBlob(delivery) ? blobTopicFault(topic, size) : chunkTopicFault(topic, size);
  if (fault === undefined) return;
  const { document, pointer } = found;
  report.add(document, "error", { code: "manifest/channel-invalid", path: pointer, message: `${isFound} ${fault}` });
}

function blobTopicFault(topic: string, size: number): string | undefined {
  if (size > TOPIC_SIZE_MAX) return `has ${size} bytes; it must have at most ${TOPIC_SIZE_MAX}`;
  return /^$|[+#\p{Cc}]/u.test(topic) ? "is empty or holds +, # or a control character" : undefined;
}

function chunkTopicFault(topic: string, size: number): string | undefined {
  if (size > TOPIC_ROOT_SIZE_MAX) {
    return `has ${size} bytes; for chunked delivery it must have at most ${TOPIC_ROOT_SIZE_MAX}, so that the topics below it stay within ${TOPIC_SIZE_MAX}`;
  }
  if (isTopicRoot(topic)) return undefined;
  return "is not a valid topic root; it must contain no +, # or control characters, and not begin with $";
}

function isBlob({ levels, protocols }: Delivery): boolean {
  return protocols.includes("mqtt") && memberOf(levels, "mqtt", "mode")?.value === "blob";
}

interface FoundMember {
  readonly value: JsonValue;
  readonly document: CheckedDocument;
  readonly pointer: string;
}

/** Returns a member of the merged channels and the level from which it comes. */
function memberOf(levels: readonly ChannelLevel[], channel: string, name: string): FoundMember | undefined {
  for (const { document, pointer, channels } of levels.toReversed()) {
    const members = objectAt(channels[channel]);
    const value = Object.hasOwn(members, name) ? members[name] : undefined;
    if (value !== undefined) return { value, document, pointer: `${pointer}/${channel}/${name}` };
  }
  return undefined;
}

/**
 * Proposes a variable name: `MQTT_PASSWORD` for `/mqtt/password`, `HTTPS_AUTHORIZATION` for
 * `/https/headers/Authorization`.
 */
function variableFor(pointer: string): string {
  const [channel = "", ...names] = pointer.split("/").slice(1);
  const member = names.findLast((name) => !/^[0-9]+$/.test(name)) ?? "";
  return `${channel}_${member}`
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, "_")
    .replace(/^(?=[0-9])/, "_");
}

/** Returns a JSON object's members, or an empty object for any other value. */
export function objectAt(value: JsonValue | undefined): Partial<JsonObject> {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
}
