import { printable } from "@tinybms/cli-kit/output";
import type { Immutable } from "@tinybms/ota-core";
import { type KeyRoleName, type KeySet, rolesOf, type SigningProgress } from "@tinybms/ota-core/signing";
import type { KeyStore } from "../signing/key-store.ts";

/** Key set in the document of `keys … --json`. */
interface KeySetSummary {
  readonly file: string;
  readonly product: string;
  readonly epoch: number;
  readonly issuedAt: string;
  readonly keys: readonly { readonly keyid: string; readonly alg: string; readonly roles: readonly KeyRoleName[] }[];
  readonly thresholds: Readonly<Record<KeyRoleName, number>>;
  readonly revoked: readonly string[];
}

/** Document of every `keys … --json`: the complete key set, and the one that still needs signatures. */
interface KeysDocument {
  readonly current: KeySetSummary | null;
  readonly pending: (KeySetSummary & { readonly signatures: readonly SigningProgress[] }) | null;
}

/** Builds the document of `keys … --json`. */
export function keysDocument({ sets, pending }: KeyStore): KeysDocument {
  const current = sets.at(-1);
  return {
    current: current === undefined ? null : summaryOf(current.file, current.keys.document),
    pending:
      pending === undefined
        ? null
        : { ...summaryOf(pending.file, pending.keys.document), signatures: pending.progress },
  };
}

/** Formats the current and the pending key set, in lines. */
export function keysText(store: KeyStore): readonly string[] {
  const { current, pending } = keysDocument(store);
  const lines = current === null ? [] : textOf("current", current);
  if (pending === null) return current === null ? [`${printable(store.folder)} holds no key set`] : lines;
  return [...lines, ...textOf("pending", pending), ...pending.signatures.flatMap(progressText)];
}

function summaryOf(file: string, document: Immutable<KeySet>): KeySetSummary {
  const { product, epoch, issued_at: issuedAt, roles, records, revoked } = document;
  return {
    file,
    product,
    epoch,
    issuedAt,
    keys: Object.entries(records).map(([keyid, { alg }]) => ({ keyid, alg, roles: rolesOf(document, keyid) })),
    thresholds: { root: roles.root.threshold, release: roles.release.threshold, offer: roles.offer.threshold },
    revoked,
  };
}

function textOf(state: string, { file, product, epoch, issuedAt, keys, thresholds, revoked }: KeySetSummary): string[] {
  const { root, release, offer } = thresholds;
  return [
    `${state}: key set ${epoch} of ${printable(product)}, ${printable(issuedAt)}, ${printable(file)}`,
    ...keys.map(({ keyid, alg, roles }) => `  ${keyid}  ${alg.padEnd(19)}  ${roles.join(", ")}`),
    `  must sign: ${root} root, ${release} release, ${offer} offer`,
    ...revoked.map((keyid) => `  ${keyid}  revoked`),
  ];
}

function progressText({ epoch, needed, signed, missing }: SigningProgress): string[] {
  const head = `  signed by ${signed.length} of ${needed} root keys of key set ${epoch}`;
  if (signed.length >= needed) return [head];
  return [`${head}; missing ${needed - signed.length} of ${missing.join(", ")}`];
}
