import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { decodeUtf8 } from "@tinybms/ota-core";
import { codeOf } from "../system-error.ts";

/** Contents of a channel's TLS files, checked. */
export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Maximum size of a TLS file in bytes. Bundles of CA certificates are smaller. */
const FILE_SIZE_MAX = 4 * 1024 * 1024;

/**
 * Reads and checks the TLS files of a channel.
 *
 * @param paths - Absolute paths; `cert` and `key` both or neither.
 * @param invalid - Creates the error for a fault of a file.
 * @throws The error of `invalid`.
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

/** Parses a private key. Omits OpenSSL's reason for an unreadable key, which could quote it. */
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
