/** Vectors of key sets with a member or a key that is wrong. */
import { type DerCase, EC_CASES, OTHER_KEY_CASES, RSA_CASES } from "./public-key-cases.ts";
import { type RawMembers, rawObject, reconnect } from "./raw-documents.ts";
import {
  type KeyName,
  keyIdOfSpki,
  keyOf,
  keySetMessage,
  keySetObject,
  keySetOf,
  SPKI,
  sealed,
} from "./vector-documents.ts";
import type { VectorScenario } from "./vector-scenario.ts";
import { textOf, type VectorScript } from "./vector-script.ts";

const KEY_SET = keySetObject();

/** Publishes key sets as the broker gives them back, a minute apart, so that each has the whole budget. */
async function publish(script: VectorScript, messages: readonly Uint8Array[], epoch = 2): Promise<void> {
  for (const message of messages) {
    await script.message(script.topics.keys(epoch), textOf(message));
    script.now += 60_000;
  }
}

/** Members of the key set of epoch 2, as texts. */
function rawKeySet(members: RawMembers): Uint8Array {
  const texts = Object.entries(keySetOf({ epoch: 2 })).map(([name, value]) => [name, JSON.stringify(value)]);
  return sealed(Buffer.from(rawObject({ ...Object.fromEntries(texts), ...members })), ["root"]);
}

const id = (name: KeyName): string => `"${keyOf(name).keyid}"`;

const role = (keyids: readonly string[], threshold = "1"): string =>
  rawObject({ keyids: `[${keyids.join(",")}]`, threshold });

const roles = (members: RawMembers): string =>
  rawObject({ root: role([id("root")]), release: role([id("release")]), offer: role([id("offer")]), ...members });

const record = (spki: string | undefined, alg: string | undefined = '"ecdsa-p256-sha256"'): string =>
  rawObject({ alg, spki });

const records = (members: RawMembers): string =>
  rawObject({
    ...Object.fromEntries(
      (["root", "release", "offer"] as const).map((name) => [keyOf(name).keyid, record(`"${SPKI[name]}"`)]),
    ),
    ...members,
  });

const WRONG_KEY_SET: Readonly<Record<string, readonly (string | undefined)[]>> = {
  keys: [undefined, "2"],
  product: [undefined, "1", '""', `"${"p".repeat(129)}"`],
  epoch: [undefined, "0", '"2"'],
  issued_at: [undefined, "1", '"now"'],
  revoked: [undefined, "1", "[1]", '["ab"]'],
  records: [
    ...[
      undefined,
      "1",
      "[]",
      records({ x: record(`"${SPKI.other}"`) }),
      records({ [`${"g".repeat(32)}`]: record(`"${SPKI.other}"`) }),
    ],
    ...[records({ [keyOf("other").keyid]: record(undefined) }), records({ [keyOf("other").keyid]: record('""') })],
    ...[
      records({ [keyOf("other").keyid]: record(`"${"AAAA".repeat(257)}"`) }),
      records({ [keyOf("other").keyid]: record('"AAAAA"') }),
    ],
    ...[
      records({ [keyOf("other").keyid]: record(`"${SPKI.second}"`) }),
      records({ [keyOf("other").keyid]: record(`"${SPKI.other}"`, '"x"') }),
    ],
    records({ [keyOf("other").keyid]: record(`"${SPKI.other}"`, "1") }),
  ],
  roles: [
    ...[undefined, "1", roles({ root: undefined }), roles({ release: undefined }), roles({ offer: undefined })],
    ...[roles({ root: role([]) }), roles({ root: role([id("root")], "0") }), roles({ root: role([id("root")], "2") })],
    ...[roles({ release: role([id("release"), id("release")]) }), roles({ offer: role([id("other")]) })],
    ...[
      roles({ offer: role(['"ab"']) }),
      roles({ offer: role(Array(9).fill(id("offer"))) }),
      roles({ offer: '{"keyids":[]}' }),
    ],
    roles({ offer: rawObject({ keyids: `[${id("offer")}]` }) }),
  ],
};

/** A key set whose key for offers is some DER. */
function keySetWith({ spki, alg }: DerCase): Uint8Array {
  const keyid = keyIdOfSpki(spki);
  const base = keySetOf({ epoch: 2 });
  const { [keyOf("offer").keyid]: _, ...rest } = base.records;
  const document = {
    ...base,
    roles: { ...base.roles, offer: { keyids: [keyid], threshold: 1 } },
    records: { ...rest, [keyid]: { alg, spki: Buffer.from(spki).toString("base64") } },
  };
  return sealed(Buffer.from(JSON.stringify(document)), ["root"]);
}

async function start(script: VectorScript): Promise<void> {
  await script.boot();
  await script.run({ type: "connected" });
}

/** A device that is given key sets with the wrong keys. */
function keysJudged(name: string, cases: readonly DerCase[]): VectorScenario {
  return {
    name,
    rule: "A key set with a key that is malformed or that devices can't use is refused by a code of its own.",
    keySet: KEY_SET,
    async play(script) {
      for (const it of cases) {
        script.keySet = null;
        await start(script);
        await publish(script, [keySetWith(it)]);
        await reconnect(script);
      }
    },
  };
}

/** Vectors of key sets, member by member and key by key. */
export const KEY_SET_SCENARIOS: readonly VectorScenario[] = [
  ...Object.entries(WRONG_KEY_SET).map(
    ([name, values]): VectorScenario => ({
      name: `key-set-with-wrong-${name.replaceAll("_", "-")}`,
      rule: "A message that is no key set is counted.",
      keySet: KEY_SET,
      async play(script) {
        await start(script);
        await publish(
          script,
          values.map((value) => rawKeySet({ [name]: value })),
        );
        await reconnect(script);
      },
    }),
  ),
  {
    name: "key-set-that-is-no-json",
    rule: "A message that is no key set is counted.",
    keySet: KEY_SET,
    async play(script) {
      await start(script);
      await publish(
        script,
        ["", "[]", "{"].map((text) => sealed(Buffer.from(text), ["root"])),
      );
      await reconnect(script);
    },
  },
  keysJudged("keys-of-elliptic-curves", EC_CASES),
  keysJudged("keys-of-rsa", RSA_CASES),
  keysJudged("keys-of-other-kinds", OTHER_KEY_CASES),
  {
    name: "last-key-set",
    rule: "The key set of the last epoch has no next one.",
    keySet: keySetObject({ epoch: 2_147_483_647 }),
    async play(script) {
      await start(script);
      await publish(script, [keySetMessage(keySetOf({ epoch: 2_147_483_647 }), ["root"])], 2_147_483_647);
      await reconnect(script);
    },
  },
];
