/** One problem in a document: its place and its correction. */
export interface Problem {
  /** Stable code of the problem, for example `manifest/invalid`. */
  readonly code: OtaErrorCode;
  /** JSON pointer (RFC 6901) into the document; empty for the document as a whole. */
  readonly path: string;
  /** One sentence that says what is wrong and what would be right. */
  readonly message: string;
}

/**
 * Every error code, with the details that come with it. Details are JSON-safe and never hold a secret.
 *
 * The prefix says where the fault lies: `arguments`, `manifest`, `package`, `image`, `provisioning` are an input's;
 * `protocol` and `offer` a peer's; `signing` a key's, a signature's or a key set's; `delivery` the network's or a
 * device's; `nvs` a partition's; `serial` a cable's or a board's; `journal` a rollout's
 * journal's; `rollout` a stage's; `simulation` a scenario's.
 */
export interface OtaErrorDetails {
  "arguments/invalid": { readonly option?: string };
  "arguments/insecure": { readonly channel: string; readonly host: string };
  "arguments/password-file": { readonly file: string; readonly line?: number };

  "manifest/not-found": { readonly file: string };
  "manifest/unreadable": { readonly file: string };
  "manifest/syntax": { readonly file: string; readonly line: number; readonly column: number };
  "manifest/schema-version": { readonly file: string; readonly found: number; readonly supported: readonly number[] };
  "manifest/invalid": { readonly file: string; readonly problems: readonly Problem[] };
  "manifest/unknown-version": { readonly file: string; readonly version: string; readonly known: readonly string[] };
  "manifest/path-escapes": { readonly file: string; readonly path: string; readonly pointer: string };
  "manifest/artifact-not-found": { readonly file: string; readonly artifact: string; readonly path: string };
  "manifest/artifact-mismatch": {
    readonly file: string;
    readonly artifact: string;
    readonly path: string;
    readonly expected: string;
    readonly actual: string;
  };
  "manifest/loose-value": { readonly file: string; readonly path: string };
  "manifest/channel-invalid": { readonly file: string; readonly channel: string };
  "manifest/variable-unset": { readonly file: string; readonly variables: readonly string[] };
  "manifest/literal-secret": { readonly file: string; readonly path: string };
  "manifest/blob-large": { readonly file: string; readonly size: number; readonly limit: number };

  "package/binary-not-found": { readonly file: string };
  "package/binary-unreadable": { readonly file: string };
  "package/binary-changed": { readonly file: string };
  "package/wrong-chip": { readonly file: string; readonly chip: string; readonly hardware: string };
  "package/version-invalid": { readonly version: string };
  "package/version-unknown": { readonly file: string };
  "package/name-invalid": { readonly name: string };
  "package/output-outside": { readonly output: string; readonly manifest: string };
  "package/already-released": {
    readonly file: string;
    readonly version: string;
    /** SHA-256 of the released bytes; empty where the file names no artifact of that name. */
    readonly released: string;
    readonly found: string;
  };
  "package/locked": {
    readonly file: string;
    readonly pid?: number;
    readonly host?: string;
    readonly ageSeconds: number;
  };
  "package/write-failed": { readonly file: string };

  "image/placeholder": { readonly file: string };
  "image/truncated": { readonly offset: number; readonly needed: number; readonly actual: number };
  "image/bad-magic": { readonly offset: number; readonly found: number; readonly expected: number };
  "image/invalid": { readonly offset: number };
  "image/checksum-mismatch": { readonly offset: number; readonly expected: number; readonly actual: number };
  "image/hash-mismatch": { readonly offset: number; readonly expected: string; readonly actual: string };
  "image/partition-table-invalid": { readonly offset: number };
  "image/partition-csv-invalid": { readonly line: number };
  "image/unknown-format": { readonly offset: number };
  "image/empty": { readonly offset: number };
  "image/encrypted": { readonly offset: number };
  "image/wrong-chip": { readonly offset: number };
  "image/signature-invalid": { readonly offset: number };
  "image/unsigned": { readonly offset: number };
  "image/chip-revision": { readonly offset: number };
  "image/otadata-invalid": { readonly offset: number };
  "image/no-ota-slots": { readonly offset: number };
  "image/not-bootable": { readonly offset: number };
  "image/file-unreadable": { readonly file: string };

  "nvs/damaged": { readonly offset: number };
  "nvs/interrupted": { readonly offset: number };
  "nvs/no-free-page": { readonly offset: number };
  "nvs/newer-version": { readonly offset: number };
  "nvs/encrypted": { readonly offset: number };
  "nvs/entry-invalid": { readonly namespace: string; readonly key: string };
  "nvs/size-invalid": { readonly sizeBytes: number; readonly neededBytes?: number };
  "nvs/csv-invalid": { readonly line: number; readonly column: string };
  "nvs/keys-invalid": { readonly offset: number };
  "nvs/not-provisioned": Record<string, never>;
  "nvs/generator-missing": { readonly reason: string };
  "nvs/generator-failed": { readonly exitCode: number };

  "provisioning/invalid": { readonly device: string; readonly problems: readonly Problem[] };
  "provisioning/list-invalid": { readonly file: string; readonly line: number; readonly column: string };
  "provisioning/unreadable": { readonly file: string };
  "provisioning/exists": { readonly file: string };
  "provisioning/unwritable": { readonly file: string };

  "protocol/malformed": { readonly message: string; readonly path: string };
  "protocol/too-large": { readonly message: string; readonly size: number; readonly limit: number };
  "protocol/topic-invalid": { readonly topic: string };

  "offer/unsigned": Record<string, never>;
  "offer/untrusted": Record<string, never>;
  "offer/unsupported": { readonly feature: string };
  "offer/wrong-topic": { readonly expected: string; readonly found: string };
  "offer/stale": { readonly accepted: readonly [number, number]; readonly found: readonly [number, number] };
  "offer/wrong-epoch": { readonly expected: number; readonly found: number };
  "offer/sequence-conflict": { readonly sequence: readonly [number, number] };
  "offer/expired": { readonly expiresAt: string };
  "offer/wrong-product": { readonly expected: string; readonly found: string };
  "offer/wrong-hardware": { readonly expected: string; readonly found: string };
  "offer/wrong-chip": { readonly expected: number; readonly found: number };
  "offer/wrong-project": { readonly expected: string; readonly found: string };
  "offer/too-large": { readonly size: number; readonly limit: number };
  "offer/secure-version": { readonly required: number; readonly found: number };
  "offer/constraint": { readonly constraint: string };
  "offer/no-slot": Record<string, never>;
  "offer/withdrawn": Record<string, never>;

  "signing/key-unreadable": { readonly file: string };
  "signing/key-malformed": Record<string, never>;
  "signing/key-unsupported": { readonly type: string };
  "signing/key-encrypted": { readonly file: string };
  "signing/key-exists": { readonly file: string };
  "signing/passphrase-unusable": Record<string, never>;
  "signing/passphrase-wrong": { readonly file: string };
  "signing/command-failed": { readonly reason: string };
  "signing/not-an-image": { readonly file: string };
  "signing/signature-mismatch": { readonly file: string; readonly keyid: string };
  "signing/release-malformed": { readonly file: string };
  "signing/release-mismatch": { readonly file: string; readonly member: string };
  "signing/unsigned": { readonly kind: string };
  "signing/unknown-key": { readonly kind: string; readonly keyid: string };
  "signing/revoked-key": { readonly kind: string; readonly keyid: string };
  "signing/wrong-role": { readonly kind: string; readonly keyid: string };
  "signing/wrong-algorithm": {
    readonly kind: string;
    readonly keyid: string;
    readonly expected: string;
    readonly found: string;
  };
  "signing/unsupported-algorithm": { readonly kind: string; readonly role: string };
  "signing/bad-signature": { readonly kind: string; readonly keyid: string };
  "signing/threshold": { readonly kind: string; readonly needed: number; readonly found: number };
  "signing/key-set-epoch": { readonly expected: number; readonly found: number };
  "signing/key-set-product": { readonly expected: string; readonly found: string };
  "signing/key-set-change": Record<string, never>;
  "signing/key-set-unreadable": { readonly file: string };

  "delivery/broker-unreachable": { readonly host: string; readonly port: number };
  "delivery/broker-refused": { readonly host: string; readonly port: number; readonly reason: string };
  "delivery/blob-too-large": { readonly size: number; readonly limit: number };
  "delivery/connection-lost": { readonly host: string; readonly port: number };
  "delivery/no-device": { readonly expected: readonly string[] };
  "delivery/device-failed": { readonly devices: readonly string[] };
  "delivery/timeout": { readonly seconds: number; readonly devices: readonly string[] };
  "delivery/interrupted": Record<string, never>;
  "delivery/superseded": { readonly epoch: number; readonly sequence: number; readonly version: string };
  "delivery/withdrawn": { readonly epoch: number; readonly sequence: number };
  "delivery/not-acknowledged": { readonly topics: readonly string[] };
  "delivery/not-retained": { readonly topics: readonly string[] };
  "delivery/contradictory-report": { readonly devices: readonly string[] };
  "delivery/not-offered": { readonly version: string; readonly offered: readonly string[] };
  "delivery/sequence-jump": { readonly from: number; readonly to: number };
  "delivery/image-mismatch": { readonly expected: string; readonly actual: string };
  "delivery/flash-failed": { readonly sector: number };
  "delivery/image-rejected": { readonly espErr: number };
  "delivery/self-test-failed": Record<string, never>;
  "delivery/self-test-unanswered": Record<string, never>;
  "delivery/broker-not-reached": Record<string, never>;
  "delivery/network-down": Record<string, never>;
  "delivery/attempts-exhausted": { readonly attempts: number };
  "delivery/no-rollback": Record<string, never>;
  "delivery/server-unreachable": { readonly host: string; readonly port: number };
  "delivery/tls-failed": { readonly host: string; readonly port: number; readonly reason: string };
  "delivery/server-refused": { readonly host: string; readonly port: number; readonly status: number };
  "delivery/server-failed": { readonly host: string; readonly port: number; readonly status: number };
  "delivery/redirected": {
    readonly host: string;
    readonly port: number;
    readonly status: number;
    readonly location: string;
  };
  "delivery/answer-invalid": { readonly host: string; readonly port: number };
  "delivery/gateway-refused": {
    readonly host: string;
    readonly port: number;
    readonly status: number;
    readonly errorCode: number;
  };
  "delivery/image-too-small": { readonly size: number; readonly limit: number };
  "delivery/image-unreadable": { readonly file: string };

  "serial/package-missing": { readonly package: string };
  "serial/bindings-missing": Record<string, never>;
  "serial/ports-unlisted": Record<string, never>;
  "serial/no-port": { readonly ports: readonly string[] };
  "serial/port-not-found": { readonly port: string };
  "serial/permission-denied": { readonly port: string };
  "serial/port-busy": { readonly port: string };
  "serial/port-unusable": { readonly port: string };
  "serial/port-lost": { readonly port: string };
  "serial/nothing-received": { readonly port: string };
  "serial/loader-deaf": { readonly port: string };
  "serial/wrong-boot-mode": { readonly port: string; readonly bootMode: number };
  "serial/app-running": { readonly port: string };
  "serial/brown-out": { readonly port: string };
  "serial/noise": { readonly port: string };
  "serial/unsupported-chip": { readonly port: string; readonly chip: string };
  "serial/wrong-chip": { readonly port: string; readonly expected: string; readonly found: string };
  "serial/chip-revision": { readonly port: string; readonly needed: string; readonly found: string };
  "serial/wrong-product": { readonly port: string; readonly expected: string; readonly found: string };
  "serial/secure-boot": { readonly port: string };
  "serial/flash-encrypted": { readonly port: string };
  "serial/secure-download": { readonly port: string };
  "serial/no-partition-table": { readonly port: string };
  "serial/no-partition": { readonly port: string; readonly partition: string; readonly known: readonly string[] };
  "serial/does-not-fit": {
    readonly port: string;
    readonly part: string;
    readonly size: number;
    readonly limit: number;
  };
  "serial/would-not-start": { readonly port: string; readonly problems: readonly string[] };
  "serial/parts-overlap": { readonly port: string; readonly parts: readonly string[] };
  "serial/loader-refused": { readonly port: string; readonly command: string; readonly status: number };
  "serial/write-failed": { readonly port: string; readonly offset: number };
  "serial/damaged-elsewhere": { readonly port: string; readonly offset: number };
  "serial/read-failed": { readonly port: string; readonly offset: number };
  "serial/boot-failed": { readonly port: string; readonly reason: string };
  "serial/boot-unseen": { readonly port: string; readonly seconds: number };
  "serial/wrong-version": { readonly port: string; readonly expected: string; readonly found: string };
  "serial/file-unwritable": { readonly file: string };
  "serial/boards-failed": { readonly ports: readonly string[] };

  "journal/damaged": { readonly file: string; readonly line: number };
  "journal/newer": { readonly file: string; readonly found: number };
  "journal/exists": { readonly file: string };
  "journal/unusable": { readonly file: string };
  "journal/other-release": { readonly file: string; readonly member: string };

  "rollout/stopped": { readonly reason: string; readonly stage: number; readonly failed: readonly string[] };

  "simulation/invalid-fault": { readonly fault: string };
  "simulation/does-not-fit": { readonly partition: string; readonly size: number; readonly limit: number };
  "simulation/file-unreadable": { readonly file: string };
  "simulation/file-unwritable": { readonly file: string };
  "simulation/flash-invalid": { readonly file: string; readonly size: number };
  "simulation/update-refused": { readonly state: string };
  "simulation/update-unsafe": { readonly points: readonly string[] };
  "simulation/already-installed": { readonly slot: string };
  "simulation/no-answer": { readonly command: string };
  "simulation/efuse-invalid": { readonly file: string; readonly path: string };
}

/** The stable name of an error, for example `image/truncated`. */
export type OtaErrorCode = keyof OtaErrorDetails;

/** Optional parts of an {@link OtaError}. */
export interface OtaErrorOptions {
  /** The error that caused this one. */
  readonly cause?: unknown;
  /** One sentence that says what the reader can do. */
  readonly hint?: string | undefined;
}

/** Mark on the errors of every copy of this module. */
const OTA_ERROR: symbol = Symbol.for("@tinybms/ota-core/OtaError");

/**
 * The only error class of the project. It has a stable `code`, a message that names the file, field or offset and says
 * what would be right, JSON-safe `details` and, if there is a remedy, a `hint` that says what to do.
 *
 * Any other error that a function of this project throws is a bug. `instanceof` also accepts errors of another copy of
 * this module, such as the copy inside a bundled command.
 */
export class OtaError<Code extends OtaErrorCode = OtaErrorCode> extends Error {
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && OTA_ERROR in value;
  }

  override readonly name: string = "OtaError";
  readonly code: Code;
  readonly details: OtaErrorDetails[Code];
  readonly hint: string | undefined;

  constructor(code: Code, message: string, details: OtaErrorDetails[Code], options: OtaErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = details;
    this.hint = options.hint;
    Object.defineProperty(this, OTA_ERROR, { value: true });
  }

  /** Returns the object that commands print as an error with `--json`. */
  toJSON(): { code: Code; message: string; details: OtaErrorDetails[Code]; hint?: string } {
    const { code, message, details, hint } = this;
    return hint === undefined ? { code, message, details } : { code, message, details, hint };
  }
}

/**
 * Checks whether a thrown value is an {@link OtaError}, optionally with a certain code.
 *
 * @param error - The caught value.
 * @param code - The code to look for. @defaultValue Any code matches.
 */
export function isOtaError<Code extends OtaErrorCode = OtaErrorCode>(
  error: unknown,
  code?: Code,
): error is { [C in Code]: OtaError<C> }[Code] {
  return error instanceof OtaError && (code === undefined || error.code === code);
}
