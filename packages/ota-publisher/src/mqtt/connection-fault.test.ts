import { expect, test } from "vitest";
import { parseBrokerUrl } from "./broker-url.ts";
import { connectionFault } from "./connection-fault.ts";

const ADDRESS = parseBrokerUrl("mqtts://ops:s3cr3t@broker.example");

const failing = (code: string | number): Error => Object.assign(new Error("ops:s3cr3t"), { code });

test.for([
  ["ECONNREFUSED", "delivery/broker-unreachable", true, "nothing listens there"],
  ["ENOTFOUND", "delivery/broker-unreachable", true, "there is no host of that name"],
  ["ETIMEDOUT", "delivery/broker-unreachable", true, "no answer"],
  ["CERT_HAS_EXPIRED", "delivery/broker-unreachable", false, "its certificate has expired"],
  [3, "delivery/broker-refused", true, "it is not ready"],
  [4, "delivery/broker-refused", false, "wrong user name or password"],
  [5, "delivery/broker-refused", false, "not authorized"],
  [99, "delivery/broker-refused", false, "reason code 99"],
] as const)("%s is %s, worth another attempt: %s", ([code, expected, transient, reason]) => {
  const fault = connectionFault(failing(code), ADDRESS);
  expect(fault).toMatchObject({
    transient,
    error: { code: expected, details: { host: "broker.example", port: 8883 } },
  });
  expect(fault.error.message).toContain(reason);
  expect(JSON.stringify(fault.error)).not.toContain("s3cr3t");
});

test("a broker that takes the connection and is silent has not answered", () => {
  const { error, transient } = connectionFault(new Error("connack timeout"), ADDRESS);
  expect(error.message).toContain("it takes the connection, but does not answer");
  expect(transient).toBe(true);
});
