import fc from "fast-check";
import { expect, test } from "vitest";
import { type Identity, TopicAccess } from "./topic-access.ts";

const ROOT = "tinybms/gateway/ota";
const IMAGE = "0123456789abcdef0123456789abcdef";

const DEVICE: Identity = { role: "device", name: "bench-1" };
const ANY_DEVICE: Identity = { role: "device", name: undefined };
const PUBLISHER: Identity = { role: "publisher", name: "ci" };
const LOCAL: Identity = { role: "local" };

/** For each topic: who may publish, and who may subscribe: d(evice), a(ny device), p(ublisher), l(ocal). */
const TABLE = [
  [`${ROOT}/v1/keys/1`, "pl", "dapl"],
  [`${ROOT}/v1/keys/+`, "", "dapl"],
  [`${ROOT}/v1/offer`, "pl", "dapl"],
  [`${ROOT}/v1/device/bench-1/offer`, "pl", "dapl"],
  [`${ROOT}/v1/device/other/offer`, "pl", "apl"],
  [`${ROOT}/v1/image/${IMAGE}/hashes`, "pl", "dapl"],
  [`${ROOT}/v1/image/${IMAGE}/chunk`, "pl", "dapl"],
  [`${ROOT}/v1/device/bench-1/chunk`, "pl", "dapl"],
  [`${ROOT}/v1/device/other/chunk`, "pl", "apl"],
  [`${ROOT}/v1/device/bench-1/request`, "dal", "dapl"],
  [`${ROOT}/v1/device/other/request`, "al", "apl"],
  [`${ROOT}/v1/device/bench-1/state`, "dal", "dapl"],
  [`${ROOT}/v1/device/other/state`, "al", "apl"],
  [`${ROOT}/v1/device/+/state`, "", "pl"],
  [`${ROOT}/v1/device/bench-1/#`, "", "pl"],
  [`${ROOT}/v1/image/+/chunk`, "", "pl"],
  [`${ROOT}/#`, "", "pl"],
  ["#", "", "pl"],
  [`+/gateway/ota/v1/keys/+`, "", "pl"],
  [ROOT, "pl", "dapl"],
  ["$SYS/x/new/clients", "", "l"],
] as const;

const IDENTITIES = { d: DEVICE, a: ANY_DEVICE, p: PUBLISHER, l: LOCAL } as const;

test.for(TABLE)("on %s these may publish: '%s'; and these subscribe: '%s'", ([topic, publishers, subscribers]) => {
  const open = new TopicAccess();
  open.published(PUBLISHER, `${ROOT}/v1/offer`);
  for (const access of [new TopicAccess([ROOT]), open]) {
    const may = (check: (identity: Identity) => boolean): string =>
      Object.entries(IDENTITIES)
        .filter(([, identity]) => check(identity))
        .map(([letter]) => letter)
        .join("");
    // A topic with a wildcard can't be published to, whoever asks (MQTT-3.3.2-2): the broker ends that before.
    if (!/[+#]/.test(topic)) expect(may((identity) => access.mayPublish(identity, topic))).toBe(publishers);
    expect(may((identity) => access.maySubscribe(identity, topic))).toBe(subscribers);
  }
});

test("allows a device nothing below another root than the broker's", () => {
  const access = new TopicAccess([ROOT]);
  for (const topic of ["other", "other/v1/offer", "other/v1/keys/+", "other/v1/device/bench-1/state", `${ROOT}/v1`]) {
    expect(access.mayPublish(DEVICE, topic)).toBe(false);
    expect(access.maySubscribe(DEVICE, topic)).toBe(false);
  }
});

test("treats a device named v1 as any other", () => {
  const access = new TopicAccess([ROOT]);
  expect(access.mayPublish({ role: "device", name: "v1" }, `${ROOT}/v1/device/v1/state`)).toBe(true);
  expect(access.maySubscribe(DEVICE, `${ROOT}/v1/device/v1/offer`)).toBe(false);
});

const level = fc.constantFrom(
  "v1",
  "device",
  "bench-1",
  "other",
  "state",
  "request",
  "offer",
  "keys",
  "image",
  "+",
  "#",
  "",
);

test("lets a device publish only on its own request and state topics, for any topic", () => {
  fc.assert(
    fc.property(fc.array(level, { minLength: 1, maxLength: 9 }), (levels) => {
      const topic = levels.join("/");
      if (new TopicAccess().mayPublish(DEVICE, topic)) expect(topic).toMatch(/\/v1\/device\/bench-1\/(request|state)$/);
    }),
    { numRuns: 3_000 },
  );
});

test.for([
  ["an offer that a publisher published", (access: TopicAccess) => access.published(PUBLISHER, `${ROOT}/v1/offer`)],
  [
    "a publisher that listens to reports",
    (access: TopicAccess) => access.subscribed(LOCAL, `${ROOT}/v1/device/+/state`),
  ],
] as const)("lets a device publish below the roots that publishers use, without configured roots: %s", ([, use]) => {
  const access = new TopicAccess();
  const topic = `${ROOT}/v1/device/bench-1/state`;
  expect(access.mayPublish(DEVICE, topic)).toBe(false);
  access.published(DEVICE, topic);
  access.published(LOCAL, topic);
  access.subscribed(DEVICE, `${ROOT}/v1/device/+/state`);
  expect(access.mayPublish(DEVICE, topic), "devices and their reports don't count").toBe(false);
  use(access);
  expect(access.mayPublish(DEVICE, topic)).toBe(true);
  expect(access.mayPublish(DEVICE, `other/v1/device/bench-1/state`)).toBe(false);
});
