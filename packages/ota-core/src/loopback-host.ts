/** An IPv4 address in 127.0.0.0/8. */
const IPV4 = /^127(?:\.(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}$/;

/** `::1`, or an IPv4-mapped address in 127.0.0.0/8, as `URL` spells it. */
const IPV6 = /^(?:::1|::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4})$/;

/**
 * Returns `true` if traffic to a host stays on this machine: 127.0.0.0/8, `::1`, `localhost` and names below it.
 *
 * @param host - Host name as `URL.hostname` returns it; an IPv6 address with or without brackets.
 * @see RFC 6761 section 6.3
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
