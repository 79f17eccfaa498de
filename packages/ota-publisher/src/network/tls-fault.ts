/** Why a TLS connection failed, and what to do about it. */
export interface TlsFault {
  readonly reason: string;
  /** One sentence. */
  readonly hint: string;
}

/** Names of the settings that a hint points at. */
export interface TlsSettings {
  /** The setting that names the server, for example `url`. */
  readonly url: string;
  /** The channel that has `ca`, `cert` and `key`, for example `the https channel`. */
  readonly channel: string;
  /** The member that switches the check off, for example `verify: false`. */
  readonly unchecked: string;
  /** The scheme without TLS, for example `http`. */
  readonly plainScheme: string;
}

/**
 * Explains an error of OpenSSL or Node.js about a TLS connection: a verdict on the peer's certificate, or an alert of
 * the peer about ours.
 *
 * Only an unknown issuer may be one that the user knows better than this machine. So no other hint mentions that the
 * check can be switched off.
 *
 * @param code - The error's `code`.
 * @param message - The error's text: `EPROTO` says only there what happened.
 * @returns `undefined` if the error is not about TLS.
 * @see RFC 8446 section 6.2 for alerts; OpenSSL's `X509_verify_cert_error_string(3)` for verdicts
 */
export function tlsFaultOf(code: string, message: string, settings: TlsSettings): TlsFault | undefined {
  if (!/^(?:ERR_SSL|ERR_TLS|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|INVALID_CA|INVALID_PURPOSE|EPROTO)/.test(code)) {
    return undefined;
  }
  const { url, channel, unchecked, plainScheme } = settings;
  if (/wrong.version.number/i.test(`${code} ${message}`)) {
    return { reason: "it does not speak TLS", hint: `does that port speak ${plainScheme}://?` };
  }
  if (/alert.protocol.version/i.test(`${code} ${message}`)) {
    return { reason: "it offers no TLS version that is still safe", hint: "update the server: TLS 1.2 is the oldest" };
  }
  if (CLIENT_CERTIFICATE_WANTED.test(code)) {
    return { reason: "it wants a client certificate", hint: `set \`cert\` and \`key\` of ${channel}` };
  }
  if (CLIENT_CERTIFICATE_REFUSED.test(code)) {
    const hint = `\`cert\` and \`key\` of ${channel} must name a certificate that the server accepts`;
    return { reason: "it refused our client certificate", hint };
  }
  if (UNKNOWN_ISSUER.includes(code)) {
    const isOwn = code === "DEPTH_ZERO_SELF_SIGNED_CERT";
    const reason = isOwn ? "its certificate is signed by itself" : "its certificate's issuer is not known here";
    const file = isOwn ? "the file of that certificate" : "the file of an issuer to trust";
    return {
      reason,
      hint: `\`ca\` of ${channel} names ${file}; on a bench, \`${unchecked}\` with --allow-insecure skips the check`,
    };
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    const hint = `${url} must name the host as the certificate does`;
    return { reason: "its certificate is for another host", hint };
  }
  const [reason, hint] = CERTIFICATE_FAULTS[code] ?? [`TLS failed (${code})`, "the server's log may say more"];
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
