/** Vectors of offers and releases with a member that is wrong, or at its limit. */
import { offerAll, type RawMembers, rawEnvelope, rawObject, reconnect, WITHDRAWAL } from "./raw-documents.ts";
import { OTHER_IMAGE, releaseOf } from "./vector-documents.ts";
import type { VectorScenario } from "./vector-scenario.ts";
import type { VectorScript } from "./vector-script.ts";

const RULE = "A message that is no offer is counted, and not answered.";

const digits = (pair: string, bytes: number): string => `"${pair.repeat(bytes)}"`;
const list = (item: string, count: number): string => `[${Array(count).fill(item).join(",")}]`;

/** Texts that are no time. */
const NOT_TIMES = [
  ...[
    "2026-01-01T00:00:00",
    "2026-01-01T00:00:00X",
    "2026-01-01 00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "",
  ],
  ...["2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z"],
  ...["2026-01-01T00:00:60Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00.5xZ"],
  ...[
    "202x-01-01T00:00:00Z",
    "2026-01-01T00:00:00+Z",
    `2026-01-01T00:00:00.${"1".repeat(40)}Z`,
    "2026-01-01T00:0/:00Z",
  ],
];

/** Values of each member of an offer with which it is none; `undefined`: without the member. */
const WRONG_OFFER: Readonly<Record<string, readonly (string | undefined)[]>> = {
  offer: [undefined, "0", "2", '"1"', "null"],
  id: [undefined, "1", digits("ab", 15), digits("AB", 16), digits("g0", 16)],
  topic_root: [undefined, "1", '""', `"${"r".repeat(46)}"`],
  epoch: [undefined, "0", "-1", '"1"'],
  sequence: [undefined, "0", "-1", "true"],
  issued_at: [undefined, "1", ...NOT_TIMES.map((text) => `"${text}"`)],
  expires_at: ["1", "null", '"soon"'],
  chunk_encodings: [
    undefined,
    "1",
    "[]",
    list('"identity"', 5),
    "[1]",
    '["Identity"]',
    `["${"a".repeat(17)}"]`,
    '[""]',
  ],
  target: [
    ...[
      undefined,
      "1",
      '"none"',
      "{}",
      "[]",
      '{"devices":[]}',
      '{"devices":1}',
      '{"devices":[1]}',
      '{"devices":["-a"]}',
    ],
    ...[
      '{"devices":["a b"]}',
      '{"devices":[""]}',
      `{"devices":["${"d".repeat(65)}"]}`,
      '{"devices":["a"],"rollout":1}',
    ],
    ...['{"devices":["a{"]}', '{"devices":["a@","[b"]}', '{"devices":["a:"]}', '{"devices":["a`"]}'],
    ...['{"rollout":{}}', '{"rollout":{"permille":1}}', '{"rollout":{"permille":1001,"salt":"00"}}'],
    ...[
      '{"rollout":{"permille":1,"salt":""}}',
      '{"rollout":{"permille":1,"salt":"0"}}',
      '{"rollout":{"permille":1,"salt":"000"}}',
      '{"rollout":{"permille":1,"salt":1}}',
    ],
    ...[`{"rollout":{"permille":1,"salt":${digits("00", 33)}}}`, '{"rollout":{"permille":1,"salt":"0g"}}'],
  ],
  spread_ms: ["-1", "3600001", '"1"', "null"],
  probation_ms: ["999", "3600001", "null"],
  constraints: [
    ...[
      "1",
      "[]",
      '{"min_battery_percent":101}',
      '{"min_battery_percent":-1}',
      '{"from_images":[]}',
      '{"from_images":1}',
    ],
    ...[`{"from_images":${list(digits("ab", 16), 65)}}`, '{"from_images":["ab"]}', '{"from_images":[1]}'],
  ],
  waive: ["1", "{}", '["everything"]', "[1]", list('"chip-id"', 4)],
  critical: ["1", "{}", "[1]", '[""]', `["${"c".repeat(65)}"]`, list('"target"', 17)],
  release: [undefined, "1", "{}", "[]", '"x"'],
};

/** Values of members of an offer at their limits. */
const RIGHT_OFFER: Readonly<Record<string, readonly string[]>> = {
  epoch: ["2147483647"],
  topic_root: [
    '"r"',
    `"${"r".repeat(45)}"`,
    '"r\\ud83d\\ude00"',
    '"r\\ud800"',
    '"bench\xc3\xa9ota"',
    '"bench/ot"',
    '"bench/otb"',
  ],
  expires_at: ['"2026-12-31T23:59:59.999Z"'],
  chunk_encodings: ['["a-9","identity"]', list('"identity"', 4)],
  target: [
    '{"devices":["bench-2","bench-1"]}',
    `{"rollout":{"permille":1000,"salt":${digits("0f", 32)}}}`,
    '{"devices":["0.A_z-Z"]}',
    '{"devices":["bench-1x","bench"]}',
  ],
  spread_ms: ["0", "3600000"],
  probation_ms: ["1000", "3600000"],
  constraints: ["{}", '{"min_battery_percent":100}', `{"from_images":${list(`"${OTHER_IMAGE}"`, 3)}}`],
  waive: ["[]", '["chip-id","project-name","constraints"]', '["project-name","project-name"]'],
  critical: [
    '["\\ud83dxxxxxxx","\\ud83d\\nxxxxx","\\ud83d\\u0020","\\ud83d\\ue000","\\ud83d\\ud83d\\ude00","\\ud83d"]',
    "[]",
    '["\xc3\xa9\\ud83d\\ude00\xf0\x9f\x98\x80"]',
    '["from_images","identity"]',
    '["targe","targets"]',
  ],
};

/** The release of a vector's image, with other members. */
function rawRelease(script: VectorScript, members: RawMembers, imageMembers: RawMembers = {}): string {
  const { image, ...release } = releaseOf(script);
  const texts = (object: object): RawMembers =>
    Object.fromEntries(Object.entries(object).map(([name, value]) => [name, JSON.stringify(value)]));
  return rawObject({ ...texts(release), image: rawObject({ ...texts(image), ...imageMembers }), ...members });
}

const withRelease = (payload: string, sequence = 1): string =>
  rawEnvelope(rawObject({ ...WITHDRAWAL, sequence: String(sequence), release: rawEnvelope(payload) }));

const WRONG_RELEASE: Readonly<Record<string, readonly (string | undefined)[]>> = {
  release: [undefined, "2"],
  product: [undefined, "1", '""', `"${"p".repeat(129)}"`],
  hardware: [undefined, "1", '""', `"${"h".repeat(65)}"`],
  version: [undefined, "1", '""', `"${"v".repeat(129)}"`],
  created_at: [undefined, "1", '"now"'],
  image: [undefined, "1", "[]"],
};

const WRONG_IMAGE: Readonly<Record<string, readonly (string | undefined)[]>> = {
  sha256: [undefined, "1", digits("ab", 31), digits("AB", 32)],
  hash_list_sha256: [undefined, "1", digits("ab", 33)],
  size: [undefined, "0", "134217729"],
  chunk_size: [undefined, "4095"],
  secure_version: [undefined, "-1"],
  chip_id: [undefined, "-1", "65536"],
};

/** Names of chips, and texts that are none. */
const HARDWARE = [
  ...[
    " ESP32 ",
    "esp32-s3",
    "ESP_32",
    "\\tesp32\\n",
    "\xc2\xa0esp32",
    "\xe1\x9a\x80esp32",
    "\xef\xbb\xbfesp32",
    "\xe2\x80\x80esp32",
  ],
  ...[
    "\xe2\x80\x8aesp32",
    "\xe2\x80\x8besp32",
    "\xe2\x80\xa8esp32",
    "\xe2\x80\xa9esp32",
    "\xe2\x80\xafesp32",
    "\xe2\x81\x9fesp32",
  ],
  ...[
    "\xe3\x80\x80esp32",
    "esp32c61x",
    "esp\xc3\xa9",
    "esp32s31",
    "   ",
    "esp[32",
    "esp\\t3\\t2",
    "\\u0001esp32",
    "esp32 s3",
    "\\u000e",
    "a\\tb",
  ],
];

/** Vectors of offers and releases, member by member. */
export const OFFER_MEMBER_SCENARIOS: readonly VectorScenario[] = [
  ...Object.entries(WRONG_OFFER).map(
    ([name, values]): VectorScenario => ({
      name: `offer-with-a-wrong-${name.replaceAll("_", "-")}`,
      rule: RULE,
      async play(script) {
        await script.boot();
        await script.run({ type: "connected" });
        await offerAll(
          script,
          values.map((value) => rawEnvelope(rawObject({ ...WITHDRAWAL, [name]: value }))),
        );
        await reconnect(script);
      },
    }),
  ),
  {
    name: "offer-members-at-their-limits",
    rule: "A reader takes each member up to its limit.",
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      const cases = Object.entries(RIGHT_OFFER).flatMap(([name, values]) => values.map((value) => ({ [name]: value })));
      await offerAll(
        script,
        cases.map((members, index) =>
          rawEnvelope(rawObject({ ...WITHDRAWAL, sequence: String(index + 1), ...members })),
        ),
      );
      await reconnect(script);
    },
  },
  {
    name: "release-with-a-wrong-member",
    rule: RULE,
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      const releases = Object.entries(WRONG_RELEASE).flatMap(([name, values]) =>
        values.map((value) => rawRelease(script, { [name]: value })),
      );
      const images = Object.entries(WRONG_IMAGE).flatMap(([name, values]) =>
        values.map((value) => rawRelease(script, {}, { [name]: value })),
      );
      await offerAll(
        script,
        ["", "[]", ...releases, ...images].map((payload) => withRelease(payload)),
      );
      await reconnect(script);
    },
  },
  {
    name: "names-of-hardware",
    rule: "hardware, if it names a chip, names this one. esp32 names every chip; other text names none.",
    async play(script) {
      await script.boot();
      await script.run({ type: "connected" });
      const releases = HARDWARE.map((text) =>
        rawRelease(script, { hardware: `"${text}"`, product: '"Other"' }, { chip_id: "0" }),
      );
      const named = ["esp32c3", "ESP32-S2", " esp32_h2 "].map((text) => rawRelease(script, { hardware: `"${text}"` }));
      const foreign = HARDWARE.map((text) => rawRelease(script, { hardware: `"${text}"` }, { size: "100000000" }));
      await offerAll(
        script,
        [...releases, ...foreign, ...named].map((payload, index) => withRelease(payload, index + 1)),
      );
    },
  },
];
