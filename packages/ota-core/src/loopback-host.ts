/** Four numbers up to 255, the first 127. */
const IPV4 = /^127(?:\.(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}$/;

/** `::1`, and 127.0.0.0/8 mapped into IPv6, as URLs and as people spell it. */
const IPV6 = /^(?:::1|::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4})$/;

/**
 * Whether what is sent to a host stays on this machine: 127.0.0.0/8, `::1`, `localhost` and names below it (RFC 6761).
 *
 * @param host - As `URL.hostname` gives it; an IPv6 address with or without brackets.
 */
export function isLoopbackHost(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  return (
    IPV4.test(name) ||
    IPV6.test(name) ||
    IPV4.test(name.replace(/^::ffff:/, "")) ||
    /^(?:.+\.)?localhost\.?$/.test(name)
  );
}
