import { expect, test } from "vitest";
import { parseBrokerUrl } from "./broker-url.ts";
import { connectionFault, reasonOfCode } from "./connection-fault.ts";

const ADDRESS = parseBrokerUrl("mqtts://ops:s3cr3t@broker.example");

const failing = (code: string | number): Error => Object.assign(new Error("ops:s3cr3t"), { code });

test.for([
  ["ECONNREFUSED", "delivery/broker-unreachable", true, "nothing listens there"],
  ["ENOTFOUND", "delivery/broker-unreachable", true, "the host name is unknown"],
  ["ETIMEDOUT", "delivery/broker-unreachable", true, "no answer"],
  ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "delivery/broker-unreachable", false, "client certificate"],
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

test.for([
  ["ECONNREFUSED", "", "mqtt://h", "--broker embedded"],
  ["ENOTFOUND", "", "mqtt://h", "check the host"],
  ["EAI_AGAIN", "", "mqtt://h", "network"],
  ["EHOSTUNREACH", "", "mqtt://h", "network"],
  ["ETIMEDOUT", "", "mqtt://h", "firewall"],
  ["ECONNRESET", "", "mqtt://h", "it may speak TLS on that port"],
  ["ECONNRESET", "", "mqtts://h", "client certificate"],
  [undefined, "connack timeout", "mqtt://h", "that it expects mqtt://"],
  [undefined, "connack timeout", "wss://h", "that it expects wss://"],
  [undefined, "Unexpected server response: 404", "ws://h", "the path of its WebSocket"],
] as const)("%s %s at %s is answered with a hint that says: %s", ([code, message, url, expected]) => {
  const cause = Object.assign(new Error(message), code === undefined ? {} : { code });
  const { error } = connectionFault(cause, parseBrokerUrl(url));
  expect(error.hint).toContain(expected);
  expect(error.hint).not.toContain("insecure");
});

test("a broker that accepts the connection but stays silent has not answered", () => {
  const { error, transient } = connectionFault(new Error("connack timeout"), ADDRESS);
  expect(error.message).toContain("it does not answer");
  expect(transient).toBe(true);
});

test.for([
  [1, true],
  [132, true],
  ["ECONNRESET", true],
  [4, false],
  ["ECONNREFUSED", false],
  ["CERT_HAS_EXPIRED", false],
] as const)("%s may be the answer of a broker without MQTT 5: %s", ([code, expected]) => {
  expect(connectionFault(failing(code), ADDRESS).mayWantOlder).toBe(expected);
});

test.for([
  [149, "the message is too large"],
  [135, "not authorized"],
  [200, "reason code 200"],
] as const)("explains MQTT 5 reason code %i as: %s", ([code, text]) => {
  expect(reasonOfCode(code)).toBe(text);
});
