/** Reason why a TLS connection failed, with a hint. */
export interface TlsFault {
  readonly reason: string;
  /** Hint, as one sentence. */
  readonly hint: string;
}

/** Names of settings for hints. */
export interface TlsSettings {
  /** Setting with the server's URL, such as `url`. */
  readonly url: string;
  /** Channel with `ca`, `cert` and `key`, such as `the https channel`. */
  readonly channel: string;
  /** Member that turns off the certificate check, such as `verify: false`. */
  readonly unchecked: string;
  /** Scheme without TLS, such as `http`. */
  readonly plainScheme: string;
}

/**
 * Explains a TLS error of OpenSSL or Node.js: a fault of the peer's certificate, or an alert from the peer about the
 * client certificate.
 *
 * Only for an unknown issuer does the hint mention that the check can be turned off: the user may know that issuer.
 *
 * @param code - `code` of the error.
 * @param message - Message of the error. For `EPROTO`, only the message contains the reason.
 * @returns `undefined` if the error is not about TLS.
 * @see RFC 8446 section 6.2 for alerts; OpenSSL's `X509_verify_cert_error_string(3)` for verdicts
 */
export function tlsFaultOf(code: string, message: string, settings: TlsSettings): TlsFault | undefined {
  if (!/^(?:ERR_SSL|ERR_TLS|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|INVALID_CA|INVALID_PURPOSE|EPROTO)/.test(code)) {
    return undefined;
  }
  const { url, channel, unchecked, plainScheme } = settings;
  if (/wrong.version.number/i.test(`${code} ${message}`)) {
    return { reason: "it does not speak TLS", hint: `check whether that port expects ${plainScheme}://` };
  }
  if (/alert.protocol.version/i.test(`${code} ${message}`)) {
    return {
      reason: "it supports no secure TLS version",
      hint: "update the server: TLS 1.2 is the oldest accepted version",
    };
  }
  if (CLIENT_CERTIFICATE_WANTED.test(code)) {
    return { reason: "it requires a client certificate", hint: `set \`cert\` and \`key\` of ${channel}` };
  }
  if (CLIENT_CERTIFICATE_REFUSED.test(code)) {
    const hint = `\`cert\` and \`key\` of ${channel} must name a certificate that the server accepts`;
    return { reason: "it refused the client certificate", hint };
  }
  if (UNKNOWN_ISSUER.includes(code)) {
    const isOwn = code === "DEPTH_ZERO_SELF_SIGNED_CERT";
    const reason = isOwn ? "its certificate is self-signed" : "its certificate's issuer is unknown";
    const file = isOwn ? "the file of that certificate" : "the file of an issuer to trust";
    return {
      reason,
      hint: `set \`ca\` of ${channel} to ${file}; on a test bench, \`${unchecked}\` with --allow-insecure skips the check`,
    };
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    const hint = `${url} must name the host as the certificate does`;
    return { reason: "its certificate is for another host", hint };
  }
  const [reason, hint] = CERTIFICATE_FAULTS[code] ?? [`TLS failed (${code})`, "check the server's log"];
  return { reason, hint };
}

const CLIENT_CERTIFICATE_WANTED = /^ERR_SSL_.*CERTIFICATE_REQUIRED/;
const CLIENT_CERTIFICATE_REFUSED = /^ERR_SSL_.*(?:ALERT_.*CERTIFICATE|ALERT_UNKNOWN_CA|ALERT_HANDSHAKE_FAILURE)/;

const UNKNOWN_ISSUER: readonly string[] = [
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
];

const CERTIFICATE_FAULTS: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  CERT_HAS_EXPIRED: ["its certificate has expired", "renew the certificate on the server, or set this machine's clock"],
  CERT_NOT_YET_VALID: ["its certificate is not valid yet", "set this machine's clock"],
  CERT_REVOKED: ["its certificate was revoked", "install another certificate on the server"],
  INVALID_CA: ["its issuer's certificate may not sign others", "install a certificate of a proper authority"],
  INVALID_PURPOSE: ["its certificate is not for servers", "install a server certificate on the server"],
};
