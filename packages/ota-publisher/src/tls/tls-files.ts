import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { decodeUtf8 } from "@tinybms/ota-core";
import { codeOf } from "../system-error.ts";

/** The TLS files of a channel, read and checked. */
export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Larger than any bundle of authorities, smaller than what a wrong path may lead to. */
const FILE_SIZE_MAX = 4 * 1024 * 1024;

/**
 * Reads the TLS files that a channel names.
 *
 * @param paths - Absolute; `cert` and `key` both or neither.
 * @param invalid - Makes the error to throw from what is wrong with which file.
 * @throws What `invalid` makes.
 */
export async function loadTlsFiles(
  paths: { readonly ca?: string; readonly cert?: string; readonly key?: string },
  invalid: (fault: string, cause?: unknown) => Error,
): Promise<TlsFiles> {
  const read = async (name: string, path: string): Promise<string> => {
    const bytes = await readFile(path).catch((cause: unknown) => {
      throw invalid(`${name}: ${path} ${isMissing(cause) ? "is not there" : "can't be read"}`, cause);
    });
    const text = bytes.length > FILE_SIZE_MAX ? undefined : decodeUtf8(bytes);
    if (text === undefined) throw invalid(`${name}: ${path} is no PEM file`);
    return text;
  };
  const certificatesIn = (name: string, path: string, text: string): X509Certificate[] => {
    const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
    if (blocks.length === 0) throw invalid(`${name}: ${path} holds no certificate; it must be a PEM file with one`);
    return blocks.map((block, index) => {
      try {
        return new X509Certificate(block);
      } catch (cause) {
        throw invalid(`${name}: certificate ${index + 1} of ${path} is damaged`, cause);
      }
    });
  };
  const files: { ca?: string; cert?: string; key?: string } = {};
  if (paths.ca !== undefined) {
    files.ca = await read("ca", paths.ca);
    certificatesIn("ca", paths.ca, files.ca);
  }
  if (paths.cert === undefined || paths.key === undefined) return files;
  files.cert = await read("cert", paths.cert);
  files.key = await read("key", paths.key);
  const [leaf] = certificatesIn("cert", paths.cert, files.cert);
  const key = privateKeyIn(files.key);
  if (key === undefined) {
    throw invalid(
      `key: ${paths.key} holds no private key that can be read; it must be a PEM file without a passphrase`,
    );
  }
  if (leaf?.checkPrivateKey(key) !== true) {
    throw invalid(`key: ${paths.key} is not the key of the first certificate in ${paths.cert}`);
  }
  return files;
}

/** What OpenSSL says of a key that it can't read is left out: it could quote it. */
function privateKeyIn(text: string): KeyObject | undefined {
  try {
    return createPrivateKey(text);
  } catch {
    return undefined;
  }
}

function isMissing(cause: unknown): boolean {
  return codeOf(cause) === "ENOENT";
}
