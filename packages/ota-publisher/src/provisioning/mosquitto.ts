import { pbkdf2Sync, randomBytes } from "node:crypto";
import { OtaError, topicsOf } from "@tinybms/ota-core";

/** User of a Mosquitto broker. */
export interface MosquittoUser {
  readonly name: string;
  readonly password: string;
  /** `true` if the password is random. */
  readonly isDrawn: boolean;
}

/** Placeholders for any image and device while topics are built, because topics can't contain wildcards. */
const ANY_IMAGE: string = "0".repeat(32);
const ANY_DEVICE = "0";

/** Sizes in bytes, as in `mosquitto_passwd` (Mosquitto 2.0, `password_mosq.h`). */
const SALT_SIZE = 12;
const HASH_SIZE = 64;
/** Mosquitto's default: enough for random passwords, and cheap when a thousand devices reconnect at once. */
const ITERATIONS = 101;
/** Iterations for chosen passwords: about 20 ms for the broker at each connection. */
const ITERATIONS_OF_CHOSEN = 20_000;

/**
 * Formats a password file for Mosquitto 2, like `mosquitto_passwd`: PBKDF2 with SHA-512 and a random salt for each
 * user.
 *
 * @param users - Users whose names contain no colon.
 */
export function mosquittoPasswords(users: readonly MosquittoUser[]): string {
  return users.map((user) => `${user.name}:${hash(user)}\n`).join("");
}

/**
 * Formats an access control file for Mosquitto 2, by the topics table of docs/protocol.md. A device logs in with its ID
 * as user name. It may publish its own requests and reports, and read messages to it and to all devices. New devices
 * need no line.
 *
 * @param roots - Topics of the channels.
 * @param publisher - User name of the publisher; not the ID of a device.
 * @throws {@link OtaError} `protocol/topic-invalid`; `arguments/invalid` for a topic with a percent sign, which begins
 *   a variable in Mosquitto's file.
 */
export function mosquittoAcl(roots: readonly string[], publisher: string): string {
  const lines = ["# Devices: whoever logs in under a device's name (%u)."];
  for (const root of roots) {
    const { device, common } = topicsOfDevice(root);
    for (const topic of [device.request, device.state]) lines.push(`pattern write ${topic}`);
    for (const topic of [device.offer, device.chunk, ...common, root]) lines.push(`pattern read ${topic}`);
  }
  lines.push("", "# Publishers.", `user ${publisher}`);
  for (const root of roots) {
    const { device, common } = topicsOfDevice(root);
    lines.push(`topic read ${root}/#`);
    for (const topic of [device.offer, device.chunk, ...common, root]) {
      lines.push(`topic write ${topic.replace("%u", "+")}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** Returns the topics below a root, with Mosquitto's `%u` for the device ID. */
function topicsOfDevice(root: string): {
  readonly device: Readonly<Record<"request" | "state" | "offer" | "chunk", string>>;
  readonly common: readonly string[];
} {
  if (root.includes("%")) {
    const message = `the topic ${JSON.stringify(root)} contains a percent sign, which begins a variable in Mosquitto's file`;
    throw new OtaError("arguments/invalid", message, { option: "--broker-acl" });
  }
  const topics = topicsOf(root);
  // The root may contain the same levels.
  const below = (topic: string, level: string, variable: string): string =>
    root + topic.slice(root.length).replace(`/${level}/`, `/${variable}/`);
  const own = (topic: string): string => below(topic, ANY_DEVICE, "%u");
  const ofImage = (topic: string): string => below(topic, ANY_IMAGE, "+");
  return {
    device: {
      request: own(topics.request(ANY_DEVICE)),
      state: own(topics.state(ANY_DEVICE)),
      offer: own(topics.deviceOffer(ANY_DEVICE)),
      chunk: own(topics.deviceChunk(ANY_DEVICE)),
    },
    common: [topics.offer, topics.keysFilter, ofImage(topics.hashes(ANY_IMAGE)), ofImage(topics.imageChunk(ANY_IMAGE))],
  };
}

/** Hashes a password in Mosquitto's format, `$7$iterations$salt$hash`. */
function hash({ password, isDrawn }: MosquittoUser): string {
  const iterations = isDrawn ? ITERATIONS : ITERATIONS_OF_CHOSEN;
  const salt = randomBytes(SALT_SIZE);
  const derived = pbkdf2Sync(password, salt, iterations, HASH_SIZE, "sha512");
  return `$7$${iterations}$${salt.toString("base64")}$${derived.toString("base64")}`;
}
