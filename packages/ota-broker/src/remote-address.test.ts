import { expect, test } from "vitest";
import { addressGroup, isOfThisMachine } from "./remote-address.ts";

test.for([
  ["127.0.0.1", "127.0.0.1", true],
  ["127.8.8.8", "127.0.0.1", true],
  ["::1", "::1", true],
  ["::ffff:127.0.0.1", "::ffff:127.0.0.1", true],
  ["192.168.1.5", "192.168.1.5", true],
  ["192.168.1.6", "192.168.1.5", false],
  ["::ffff:192.168.1.6", "::ffff:192.168.1.5", false],
  ["fe80::1", "fe80::2", false],
] as const)(
  "recognizes a connection from %s to %s as of this machine: %s",
  ([remoteAddress, localAddress, isLocal]) => {
    expect(isOfThisMachine({ remoteAddress, localAddress })).toBe(isLocal);
  },
);

test("does not count a closed connection as of this machine", () => {
  expect(isOfThisMachine({ remoteAddress: undefined, localAddress: undefined } as never)).toBe(false);
});

test.for([
  ["192.168.1.5", "192.168.1.5"],
  ["::ffff:192.168.1.5", "192.168.1.5"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8:1:2::6", "2001:db8:1:2::/64"],
  ["2001:db8::6", "2001:db8:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["", ""],
] as const)("groups the address %s as %s", ([address, group]) => {
  expect(addressGroup(address)).toBe(group);
});
