import { dirname, join, resolve } from "node:path";
import type { CommandOutput } from "@tinybms/cli-kit/output";
import {
  channelsFromEnvironment,
  decodeText,
  isOtaError,
  MESSAGE_SIZE_MAX,
  OtaError,
  parseStrictJson,
  utf8,
} from "@tinybms/ota-core";
import { loadRootManifest } from "@tinybms/ota-core/node";
import { envelopeToJson, parseEnvelope, readKeySet, verifySignature } from "@tinybms/ota-core/signing";
import { definedMembers } from "../defined-members.ts";
import { readKeyStore } from "../signing/key-store.ts";
import { loadTlsFiles, type TlsFiles } from "../tls/tls-files.ts";
import { deviceBroker } from "./broker-members.ts";
import { readInputFile } from "./input-file.ts";
import type { ProvisionCommandOptions, ProvisioningMembers } from "./provision-options.ts";

/** Largest settings file in bytes, above any document with certificates and a key set. */
const DOCUMENT_SIZE_MAX = 64 * 1024;

/**
 * Reads the settings for all devices: from the options, otherwise the file of `--from`, otherwise the root manifest.
 *
 * @throws {@link OtaError} if a file can't be read or settings contradict each other; `arguments/invalid` if there is
 *   neither a key set nor `--allow-unsigned`.
 */
export async function commonMembers(
  options: ProvisionCommandOptions,
  output: CommandOutput,
): Promise<ProvisioningMembers> {
  const given = options.from === undefined ? {} : await readMembers(options.from);
  const members: ProvisioningMembers = {
    ...(await manifestMembers(options, given, output)),
    ...given,
    ...optionMembers(options),
    ...(await readPems(options)),
    provisioning: 1,
  };
  const trust = await trustMembers(options, given);
  const { key_set: _keySet, allow_unsigned: _allowUnsigned, broker, ...rest } = members;
  if (broker === undefined) return { ...rest, ...trust };
  const { url, warning } = deviceBroker(broker);
  if (warning !== undefined) output.warn(warning);
  return { ...rest, ...trust, broker: url };
}

/** Reads the file of `--from`. Its values are checked later, together with the other settings. */
async function readMembers(file: string): Promise<ProvisioningMembers> {
  const text = decodeText(await readInputFile(file, DOCUMENT_SIZE_MAX));
  const parsed = text === undefined ? undefined : parseStrictJson(text);
  if (parsed?.ok === true) {
    const { value } = parsed;
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as ProvisioningMembers;
  }
  const place = parsed === undefined || parsed.ok ? "" : `:${parsed.line}:${parsed.column}`;
  const reason =
    parsed === undefined ? "it is not UTF-8 or UTF-16" : parsed.ok ? "it must hold one object" : parsed.reason;
  throw new OtaError("provisioning/unreadable", `${file}${place}: ${reason}`, { file });
}

/** Returns product, broker, topic and CA certificates of the root manifest, if it exists. */
async function manifestMembers(
  { manifest: file, broker }: ProvisionCommandOptions,
  given: ProvisioningMembers,
  { world }: CommandOutput,
): Promise<ProvisioningMembers> {
  const root = await loadRootManifest(file).catch((error: unknown) => {
    if (isOtaError(error, "manifest/not-found")) return undefined;
    throw error;
  });
  if (root === undefined) return {};
  const { product, deployment } = root.manifest;
  const { broker: url, topic, ca } = deployment?.channels?.mqtt ?? {};
  // The CA certificates are for the manifest's own broker.
  const isOwnBroker = broker === undefined && given.broker === undefined;
  const settings = definedMembers({ topic, ...(isOwnBroker ? { broker: url, ca } : {}) });
  const { mqtt = {} } = channelsFromEnvironment({ mqtt: settings }, world.env, file);
  const invalid = (fault: string, cause?: unknown) =>
    new OtaError("manifest/channel-invalid", `${file}: channel mqtt: ${fault}`, { file, channel: "mqtt" }, { cause });
  const tls = mqtt.ca === undefined ? {} : await loadTlsFiles({ ca: resolve(root.folder, mqtt.ca) }, invalid);
  return { ...definedMembers({ product: product.name, topic: mqtt.topic, broker: mqtt.broker }), ...pemMembers(tls) };
}

function optionMembers({ broker, topic, product }: ProvisionCommandOptions): ProvisioningMembers {
  return definedMembers({ broker, topic, product });
}

/** Paths of a device's PEM files. */
export interface PemPaths {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * Reads and checks certificates and key for devices, and normalizes their line ends.
 *
 * @throws {@link OtaError} `arguments/invalid` if a file is not PEM, or the key does not match the certificate.
 */
export async function readPems(paths: PemPaths): Promise<ProvisioningMembers> {
  const { ca, cert, key } = paths;
  const invalid = (fault: string, cause?: unknown) => new OtaError("arguments/invalid", fault, {}, { cause });
  if ((cert === undefined) !== (key === undefined)) {
    throw invalid("a certificate and its private key go together; one is missing");
  }
  return pemMembers(await loadTlsFiles(definedMembers({ ca, cert, key }), invalid));
}

function pemMembers({ ca, cert, key }: TlsFiles): ProvisioningMembers {
  return definedMembers({
    ca_certificate: ca && blocksOf(ca, "CERTIFICATE"),
    certificate: cert && blocksOf(cert, "CERTIFICATE"),
    private_key: key && blocksOf(key, "PRIVATE KEY"),
  });
}

/**
 * Extracts the PEM blocks of one kind. Other text, such as a description of the certificate, would waste space in NVS.
 */
function blocksOf(text: string, kind: "CERTIFICATE" | "PRIVATE KEY"): string {
  const all = text.match(/-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g) ?? [];
  const blocks = all.filter((block) => block.split("\n", 1)[0]?.includes(kind));
  return `${blocks.join("\n")}\n`.replaceAll(/\r\n?/g, "\n");
}

/** Returns the key set for devices, from the options, the file of `--from`, or the folder of key sets. */
async function trustMembers(
  { keySet, allowUnsigned = false, manifest, keys = join(dirname(manifest), "keys"), from }: ProvisionCommandOptions,
  given: ProvisioningMembers,
): Promise<ProvisioningMembers> {
  if (keySet !== undefined && allowUnsigned) {
    const message =
      "--key-set and --allow-unsigned contradict each other: a device with a key set accepts only signed offers";
    throw new OtaError("arguments/invalid", message, { option: "--allow-unsigned" });
  }
  if (allowUnsigned) return { allow_unsigned: true };
  if (keySet !== undefined) return keySetMember(keySet, await readInputFile(keySet, MESSAGE_SIZE_MAX.keys));
  const { key_set, allow_unsigned } = given;
  if (key_set !== undefined) {
    const members = keySetMember(`${from}: key_set`, utf8(JSON.stringify(key_set)));
    return allow_unsigned === undefined ? members : { ...members, allow_unsigned };
  }
  if (allow_unsigned !== undefined) return { allow_unsigned };
  const current = (await readKeyStore(keys)).sets.at(-1);
  if (current !== undefined) return keySetMember(current.file, current.message);
  const message = `the devices have no key set: ${keys} has none, and none is named`;
  const hint =
    "create one with `tinybms-ota keys init` or name one with --key-set; --allow-unsigned is for test benches";
  throw new OtaError("arguments/invalid", message, { option: "--key-set" }, { hint });
}

function keySetMember(file: string, message: Uint8Array): ProvisioningMembers {
  try {
    readKeySet(message, verifySignature);
    return { key_set: envelopeToJson(parseEnvelope(message, MESSAGE_SIZE_MAX.keys)) };
  } catch (error) {
    if (!isOtaError(error)) throw error;
    throw new OtaError("signing/key-set-unreadable", `${file}: ${error.message}`, { file }, { cause: error });
  }
}

/** Returns the folder for relative paths in a file. */
export function folderOf(file: string): string {
  return dirname(resolve(file));
}
