import { BlockList, isIP } from "node:net";

/**
 * Returns `true` if a host is, by its name or address, on this machine or in a local network.
 *
 * Addresses: loopback, RFC 1918, link-local (RFC 3927, RFC 4291) and unique local (RFC 4193). Names: `localhost`
 * (RFC 6761), `.local` (RFC 6762), `.home.arpa` (RFC 8375), `.internal`, and names without a dot, which only a local
 * resolver knows.
 *
 * @param host - Value of `URL.hostname`, with an IPv6 address in brackets.
 */
export function isPrivateHost(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  const family = isIP(name);
  if (family !== 0) return PRIVATE_ADDRESSES.check(name, family === 4 ? "ipv4" : "ipv6");
  return !name.includes(".") || /(?:^|\.)(?:localhost|local|internal|home\.arpa)\.?$/.test(name);
}

const PRIVATE_ADDRESSES = new BlockList();
PRIVATE_ADDRESSES.addSubnet("127.0.0.0", 8);
PRIVATE_ADDRESSES.addSubnet("10.0.0.0", 8);
PRIVATE_ADDRESSES.addSubnet("172.16.0.0", 12);
PRIVATE_ADDRESSES.addSubnet("192.168.0.0", 16);
PRIVATE_ADDRESSES.addSubnet("169.254.0.0", 16);
PRIVATE_ADDRESSES.addAddress("::1", "ipv6");
PRIVATE_ADDRESSES.addSubnet("fc00::", 7, "ipv6");
PRIVATE_ADDRESSES.addSubnet("fe80::", 10, "ipv6");
