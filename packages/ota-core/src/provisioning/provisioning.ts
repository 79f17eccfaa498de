import { utf8 } from "../bytes.ts";
import { isOtaError, OtaError, type Problem } from "../errors.ts";
import { envelopeFromJson } from "../messages/envelope.ts";
import { parseKeySet } from "../messages/key-set.ts";
import { isTopicRoot, MESSAGE_SIZE_MAX } from "../messages/topics.ts";
import { validateProvisioning } from "../schemas/document-validators.generated.ts";
import { problemsOf } from "../schemas/problems.ts";
import type { Provisioning } from "../schemas/types.generated.ts";

const CODE = "provisioning/invalid";

/**
 * Checks a provisioning document: its schema and the dependencies between members. Does not verify the key set's
 * signatures; `readKeySet` does.
 *
 * @param value - A JSON value.
 * @throws {@link OtaError} `provisioning/invalid` with every problem. No message contains a password or a key.
 */
export function checkProvisioning(value: unknown): Provisioning {
  const isValid = validateProvisioning(value);
  const problems = isValid ? contradictions(value) : problemsOf(CODE, validateProvisioning.errors, value);
  if (isValid && problems.length === 0) return value;
  throw invalidProvisioning(nameIn(value), problems);
}

/** Creates the error `provisioning/invalid`, which states the device, if known, and the first problem. */
export function invalidProvisioning(device: string, problems: readonly Problem[]): OtaError<"provisioning/invalid"> {
  const [first] = problems;
  const others = problems.length - 1;
  const more = others < 1 ? "" : ` (and ${others} more fault${others === 1 ? "" : "s"})`;
  const place = device === "" ? "the provisioning" : `the provisioning of ${device}`;
  return new OtaError(CODE, `${place}: ${first?.message ?? "it is invalid"}${more}`, { device, problems });
}

function contradictions(document: Provisioning): readonly Problem[] {
  const { topic, username, password, certificate, private_key, key_set, allow_unsigned = false } = document;
  const problems: Problem[] = [];
  const add = (path: string, message: string) => problems.push({ code: CODE, path, message });
  if (!isTopicRoot(topic)) add("/topic", "topic has more than 45 bytes, or a lone surrogate");
  // MQTT 3.1.1 section 3.1.2.9: no password without a user name.
  if (password !== undefined && username === undefined) add("", "a password is given without a username");
  if ((certificate === undefined) !== (private_key === undefined)) {
    add("", "certificate and private_key go together; one is missing");
  }
  if (key_set !== undefined && allow_unsigned) {
    add(
      "/allow_unsigned",
      "allow_unsigned is true and key_set is present; a device with a key set accepts only signed offers",
    );
  }
  if (key_set === undefined && !allow_unsigned) {
    add("", "it has neither key_set nor allow_unsigned: the device would refuse every offer");
  }
  const fault = key_set === undefined ? undefined : keySetFault(document);
  if (fault !== undefined) add("/key_set", fault);
  return problems;
}

function keySetFault({ key_set, product }: Provisioning): string | undefined {
  try {
    const size = utf8(JSON.stringify(key_set)).length;
    if (size > MESSAGE_SIZE_MAX.keys) return `key_set has ${size} bytes; at most ${MESSAGE_SIZE_MAX.keys} are allowed`;
    const keys = parseKeySet(envelopeFromJson(key_set).payload);
    if (keys.product === product) return undefined;
    return `the key_set is for ${JSON.stringify(keys.product)}, and the product is ${JSON.stringify(product)}`;
  } catch (error) {
    if (isOtaError(error)) return `key_set: ${error.message}`;
    throw error;
  }
}

function nameIn(value: unknown): string {
  if (typeof value !== "object" || value === null || !("device_id" in value)) return "";
  return typeof value.device_id === "string" ? value.device_id.slice(0, 64).replaceAll(/[^A-Za-z0-9._-]/g, "?") : "";
}
