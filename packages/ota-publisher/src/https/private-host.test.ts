import { expect, test } from "vitest";
import { isPrivateHost } from "./private-host.ts";

test.for([
  ...["localhost", "gateway", "tinybms.local", "GW.LOCAL", "x.home.arpa", "api.internal", "app.localhost"],
  ...["127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.4.1", "169.254.1.1"],
  ...["[::1]", "[fe80::1]", "[fd00::1]", "[::ffff:192.168.1.1]"],
])("%s is private", (host) => {
  expect(isPrivateHost(host)).toBe(true);
});

test.for([
  ...["updates.example", "localhost.example", "local.example", "x.notlocal"],
  ...["8.8.8.8", "172.32.0.1", "172.15.0.1", "192.169.0.1", "11.0.0.1", "[2001:db8::1]", "[::ffff:8.8.8.8]"],
])("%s is not private", (host) => {
  expect(isPrivateHost(host)).toBe(false);
});
