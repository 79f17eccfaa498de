import { expect, test } from "vitest";
import { isLoopbackHost } from "./loopback-host.ts";

test.for([
  ...["localhost", "LOCALHOST", "localhost.", "app.localhost", "127.0.0.1", "127.9.9.255"],
  ...["[::1]", "::1", "[::ffff:7f00:1]", "[::ffff:127.0.0.1]", "::ffff:127.1.2.3"],
])("%s is this machine", (host) => {
  expect(isLoopbackHost(host)).toBe(true);
});

test.for([
  ...["", "gateway", "localhost.example", "notlocalhost", "127.0.0.1.example", "127.0.0.256", "127.1", "128.0.0.1"],
  ...["10.0.0.1", "0.0.0.0", "[::2]", "::", "[::ffff:8000:1]", "[::ffff:10.0.0.1]", "[fe80::1]"],
])("%s is not known to be this machine", (host) => {
  expect(isLoopbackHost(host)).toBe(false);
});
