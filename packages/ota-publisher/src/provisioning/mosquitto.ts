import { pbkdf2Sync, randomBytes } from "node:crypto";
import { OtaError, topicsOf } from "@tinybms/ota-core";

/** Somebody who may connect. */
export interface MosquittoUser {
  readonly name: string;
  readonly password: string;
  /** The password was drawn, so that nobody can guess it. */
  readonly isDrawn: boolean;
}

/** What stands for any image, device or epoch while topics are made, none of which may hold the wildcard itself. */
const ANY_IMAGE: string = "0".repeat(32);
const ANY_DEVICE = "0";

/** As `mosquitto_passwd` has them (Mosquitto 2.0 `password_mosq.h`). */
const SALT_SIZE = 12;
const HASH_SIZE = 64;
/** Of Mosquitto itself: enough for what nobody can guess, and cheap when a thousand devices come back at once. */
const ITERATIONS = 101;
/** Some 20 ms for the broker at each connection. */
const ITERATIONS_OF_CHOSEN = 20_000;

/**
 * A password file for Mosquitto 2, as `mosquitto_passwd` writes it: PBKDF2 with SHA-512, each with a salt of its own.
 *
 * @param users - Names without a colon, which would end them.
 */
export function mosquittoPasswords(users: readonly MosquittoUser[]): string {
  return users.map((user) => `${user.name}:${hash(user)}\n`).join("");
}

/**
 * An access control file for Mosquitto 2: the topics table of docs/protocol.md. A device is who logs in under its name: it
 * publishes its own requests and reports alone, and reads what publishers say to it and to all. New devices need no
 * line.
 *
 * @param roots - The topics of the channels.
 * @param publisher - User name of who publishes; not the name of a device.
 * @throws OtaError `protocol/topic-invalid`; `arguments/invalid` for a topic with a percent sign, which Mosquitto reads
 *   as a variable.
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

/** Topics below a root, with Mosquitto's `%u` for the name of a device. */
function topicsOfDevice(root: string): {
  readonly device: Readonly<Record<"request" | "state" | "offer" | "chunk", string>>;
  readonly common: readonly string[];
} {
  if (root.includes("%")) {
    const message = `the topic ${JSON.stringify(root)} has a percent sign, with which Mosquitto's file begins a variable`;
    throw new OtaError("arguments/invalid", message, { option: "--broker-acl" });
  }
  const topics = topicsOf(root);
  // The root may hold the same levels.
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

/** `$7$iterations$salt$hash`. */
function hash({ password, isDrawn }: MosquittoUser): string {
  const iterations = isDrawn ? ITERATIONS : ITERATIONS_OF_CHOSEN;
  const salt = randomBytes(SALT_SIZE);
  const derived = pbkdf2Sync(password, salt, iterations, HASH_SIZE, "sha512");
  return `$7$${iterations}$${salt.toString("base64")}$${derived.toString("base64")}`;
}
