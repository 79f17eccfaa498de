import type { SignatureVerifier } from "@tinybms/ota-core/signing";
import { Choices } from "./choices.ts";
import type { FuzzTarget } from "./fuzz-target.ts";

/** The library, bundled with counters. */
export type Core = typeof import("./library.ts");

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const utf8 = (text: string): Uint8Array => encoder.encode(text);
const json = (value: unknown): Uint8Array => utf8(JSON.stringify(value));
/** Converts any bytes to a text, for parsers of strings. */
const textOf = (bytes: Uint8Array): string => decoder.decode(bytes);

const HEX16 = "0123456789abcdef0123456789abcdef";
const HEX32 = HEX16 + HEX16;
const TIME = "2026-01-31T12:00:00Z";
const IMAGE_SIZE = 10_000;

/** Every parser of ota-core, by the name under which it is exported. */
export function targetsOf(core: Core): readonly FuzzTarget[] {
  return [...messages(core), ...keys(core), ...images(core), ...nvs(core), ...serial(core), ...texts(core)];
}

type Seeds = readonly Uint8Array[];

function target(name: string, seeds: Seeds, run: (bytes: Uint8Array) => unknown, sizeMax = 1024): FuzzTarget {
  return { name, seeds: [...seeds, new Uint8Array()], sizeMax, run: (bytes) => void run(bytes) };
}

/** Reads a record unchanged, and with a corrected CRC: without that, nearly every input would fail at its CRC. */
function withCheckValue(core: Core, read: (text: string) => unknown): (bytes: Uint8Array) => void {
  return (bytes) => {
    const text = textOf(bytes);
    read(text);
    read(
      core
        .crc32(utf8(text.slice(8)))
        .toString(16)
        .padStart(8, "0") + text.slice(8),
    );
  };
}

/** Reads a partition unchanged, and with corrected CRCs of its pages and entries. */
function withNvsCheckValues(core: Core, read: (bytes: Uint8Array) => unknown): (bytes: Uint8Array) => void {
  return (bytes) => {
    const fixed = bytes.slice();
    const view = new DataView(fixed.buffer);
    for (let at = 0; at + core.NVS_ENTRY_SIZE <= fixed.length; at += core.NVS_ENTRY_SIZE) {
      const entry = fixed.subarray(at, at + core.NVS_ENTRY_SIZE);
      if (at % core.NVS_PAGE_SIZE === 0) {
        view.setUint32(at + 28, core.crc32(entry.subarray(4, 28), core.NVS_CRC_SEED), true);
      } else if (entry[0] !== 0xff) {
        const covered = core.concatBytes([entry.subarray(0, 4), entry.subarray(8)]);
        view.setUint32(at + 4, core.crc32(covered, core.NVS_CRC_SEED), true);
      }
    }
    attempt(core, () => read(fixed));
    read(bytes);
  };
}

/** Ignores errors that a parser may throw, so that another attempt can follow. */
function attempt(core: Core, step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!core.isOtaError(error)) throw error;
  }
}

function messages(core: Core): FuzzTarget[] {
  const release = json({
    ...{ release: 1, product: "Gateway", hardware: "esp32", version: "1.2.3", created_at: TIME },
    image: {
      ...{ sha256: HEX32, size: IMAGE_SIZE, chunk_size: 4096 },
      hash_list_sha256: HEX32,
      secure_version: 0,
      chip_id: 0,
    },
  });
  const signatures = [{ keyid: HEX16, alg: "ecdsa-p256-sha256", sig: Uint8Array.of(0x30, 6, 2, 1, 1, 2, 1, 1) }];
  const envelope = core.buildEnvelope(release, signatures);
  const offer = json({
    ...{ offer: 1, id: HEX16, topic_root: "bench/ota", epoch: 1, sequence: 42, issued_at: TIME, expires_at: TIME },
    ...{
      release: JSON.parse(textOf(envelope)),
      chunk_encodings: ["identity"],
      spread_ms: 2000,
      waive: ["project-name"],
    },
    ...{
      target: { rollout: { permille: 50, salt: "ab" } },
      critical: ["target"],
      constraints: { from_images: [HEX16] },
    },
  });
  const report = json({
    ...{ protocol: 1, device: "bench-1", state: "downloading", offer: HEX16, image: HEX16, version: "1.2.3" },
    ...{ slot: "ota_0", running_sha256: HEX32, received: 3, total: 9, accepted: [1, 42], rollback: true, clock: false },
    ...{ online: true, boot_count: 3, stalled: false, error: { code: "offer/stale", message: "old" }, stats: {} },
  });
  const hashes = core.buildHashList(new Uint8Array(IMAGE_SIZE));
  const hashOfList = core.toHex(core.sha256(hashes));
  const chunk = core.buildChunk({ image: HEX16, index: 1, bytes: new Uint8Array(40) });
  const record = core.buildReceiverRecord({ ...core.BLANK_RECORD });
  return [
    target("parseEnvelope", [envelope, core.buildEnvelope(release)], (bytes) => core.parseEnvelope(bytes)),
    target("envelopeFromJson", [envelope], (bytes) => {
      const parsed = core.parseStrictJson(textOf(bytes));
      if (parsed.ok) core.envelopeFromJson(parsed.value);
    }),
    target("parseRelease", [release], (bytes) => core.parseRelease(bytes)),
    target("parseOffer", [offer], (bytes) => core.parseOffer(bytes), 2048),
    target("parseStateReport", [report], (bytes) => core.parseStateReport(bytes)),
    target("readStateReport", [report], (bytes) => core.readStateReport(bytes)),
    target(
      "parseRequest",
      [
        json({
          protocol: 1,
          image: HEX16,
          missing: [
            [0, 3],
            [7, 1],
          ],
          missing_count: 4,
          window: 16,
          unicast: false,
        }),
      ],
      (bytes) => core.parseRequest(bytes),
    ),
    target("parseChunk", [chunk], (bytes) => core.parseChunk(bytes)),
    target("parseHashList", [hashes], (bytes) => core.parseHashList(bytes, IMAGE_SIZE, hashOfList)),
    target(
      "parseTopic",
      ["keys/1", "offer", `image/${HEX16}/chunk`, "device/b-1/state"].map((tail) => utf8(`t/v1/${tail}`)),
      (bytes) => core.parseTopic("t", textOf(bytes)),
    ),
    target("parseReceiverRecord", [utf8(record)], withCheckValue(core, core.parseReceiverRecord)),
  ];
}

function keys(core: Core): FuzzTarget[] {
  const ders = publicKeys();
  const pems = ders.map((der) => utf8(core.buildPublicKeyPem({ spki: der })));
  const privatePem = utf8(textOf(pems[0] ?? new Uint8Array()).replaceAll("PUBLIC", "PRIVATE"));
  const [key] = ders.map((der) => core.parsePublicKey(der));
  if (key === undefined) throw new Error("a key pair has a public key");
  const setOf = (epoch: number) => {
    const role = { keyids: [key.keyid], threshold: 1 };
    const records = { [key.keyid]: { alg: key.alg, spki: Buffer.from(key.spki).toString("base64") } };
    const roles = { root: role, release: role, offer: role };
    return { keys: 1 as const, product: "Gateway", epoch, issued_at: TIME, revoked: [], roles, records };
  };
  const envelopeOf = (epoch: number): Uint8Array =>
    core.buildEnvelope(core.buildKeySet(setOf(epoch)), [{ keyid: key.keyid, alg: key.alg, sig: Uint8Array.of(1) }]);
  const isOdd: SignatureVerifier = (_key, _message, signature) => (signature[0] ?? 0) % 2 === 1;
  const current = core.readKeySet(envelopeOf(1), isOdd);
  return [
    target("parseKeySet", [core.buildKeySet(setOf(1))], (bytes) => core.parseKeySet(bytes), 2048),
    target(
      "parseKeySetRecord",
      [utf8(core.buildKeySetRecord(setOf(1)))],
      withCheckValue(core, core.parseKeySetRecord),
      2048,
    ),
    target("readKeySet", [envelopeOf(1)], (bytes) => core.readKeySet(bytes, isOdd), 2048),
    target("advanceKeySet", [envelopeOf(2)], (bytes) => core.advanceKeySet(current, bytes, isOdd), 2048),
    target("parsePublicKey", ders, (bytes) => core.parsePublicKey(bytes)),
    target("parsePem", [...pems, privatePem], (bytes) => core.parsePem(textOf(bytes)), 4096),
    target("parsePublicKeyPem", pems, (bytes) => core.parsePublicKeyPem(textOf(bytes))),
  ];
}

/** One key of each algorithm, always the same: both base points, and an odd number of 2048 bits. */
function publicKeys(): readonly Uint8Array[] {
  const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
  const random = new Choices(1);
  const modulus = Uint8Array.from({ length: 256 }, () => random.below(256))
    .fill(0xc1, 0, 1)
    .fill(0xc1, 255);
  // FIPS 186-4 appendix D.1.2.3, RFC 8032 section 5.1
  const x = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
  const y = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
  const rsa = "30820122300d06092a864886f70d01010105000382010f003082010a0282010100";
  return [
    hex(`3059301306072a8648ce3d020106082a8648ce3d03010703420004${x}${y}`),
    Uint8Array.from([...hex(rsa), ...modulus, ...hex("0203010001")]),
    hex(`302a300506032b657003210058${"66".repeat(31)}`),
  ];
}

/** UTF-16 with a byte-order mark. */
function utf16(text: string): Uint8Array {
  return new Uint8Array(Uint16Array.from(`\uFEFF${text}`, (char) => char.charCodeAt(0)).buffer);
}

function images(core: Core): FuzzTarget[] {
  const app = core.buildAppImage({ version: "1.2.3", projectName: "gateway", sizeBytes: 1024 });
  const csv = utf8(core.TWO_OTA_PARTITION_CSV);
  const table = core.buildPartitionTable(core.parsePartitionCsv(core.TWO_OTA_PARTITION_CSV));
  const otadata = new Uint8Array(core.OTADATA_SIZE).fill(0xff);
  otadata.set(core.buildOtadataEntry(core.otadataEntry(3, core.OtaImageState.VALID)));
  const block = new Uint8Array(core.SIGNATURE_BLOCK_SIZE);
  block.set([0xe7, 3]);
  block[36] = 2; // P-256
  const segment = app.subarray(core.APP_IMAGE_HEADER_SIZE);
  const descriptor = app.subarray(core.APP_DESCRIPTOR_OFFSET, core.APP_DESCRIPTOR_OFFSET + core.APP_DESCRIPTOR_SIZE);
  const flash = new Uint8Array(2048).fill(0xff);
  for (const [index, part] of [block, app, table, app].entries()) flash.set(part.subarray(0, 512), 512 * index);
  return [
    target("parseAppImage", [app], (bytes) => core.parseAppImage(bytes), 2048),
    target("parseAppImageHeader", [app.subarray(0, core.APP_IMAGE_HEADER_SIZE)], (bytes) =>
      core.parseAppImageHeader(bytes),
    ),
    target("parseSegmentHeader", [segment.subarray(0, core.SEGMENT_HEADER_SIZE)], (bytes) =>
      core.parseSegmentHeader(bytes),
    ),
    target("parseAppDescriptor", [descriptor], (bytes) => core.parseAppDescriptor(bytes)),
    target("parsePartitionTable", [table.subarray(0, 512)], (bytes) => core.parsePartitionTable(bytes), 3072),
    target("parsePartitionCsv", [csv], (bytes) => core.parsePartitionCsv(textOf(bytes))),
    target("parsePartitionFile", [csv, table.subarray(0, 512), utf16(core.TWO_OTA_PARTITION_CSV)], (bytes) =>
      core.parsePartitionFile(bytes, { bootloaderOffset: 0x1000 }),
    ),
    target("decodeText", [csv, utf16("text")], (bytes) => core.decodeText(bytes)),
    target("withFlashSettings", [app], (bytes) => core.withFlashSettings(bytes, { mode: 2, size: 2 }), 2048),
    target(
      "inspectFlash",
      [flash],
      (bytes) => {
        // The parts of a flash at their places. The fuzzer changes the beginning of each.
        const whole = new Uint8Array(0x1_0400).fill(0xff);
        for (const [index, place] of [0, 0x1000, 0x8000, 0x1_0000].entries()) {
          whole.set(bytes.subarray(512 * index, 512 * (index + 1)), place);
        }
        const places = { chip: "esp32", tableOffset: 0x8000, flashSize: 0x40_0000 } as const;
        core.inspectFlash(whole, bytes.length % 2 === 0 ? {} : places);
      },
      2048,
    ),
    target("parseOtadata", [otadata], (bytes) => core.parseOtadata(bytes), core.OTADATA_SIZE + 16),
    target("parseOtadataEntry", [otadata.subarray(0, core.OTADATA_ENTRY_SIZE)], (bytes) =>
      core.parseOtadataEntry(bytes),
    ),
    target("parseSignatureBlock", [block], (bytes) => core.parseSignatureBlock(bytes), 2048),
    target("inspectImage", [app, table.subarray(0, 512), block, csv], (bytes) => core.inspectImage(bytes), 2048),
    target("createAppImageScanner", [app], (bytes) => {
      const scanner = core.createAppImageScanner();
      for (let from = 0; from < bytes.length; from += 100) scanner.push(bytes.subarray(from, from + 100));
      scanner.finish();
    }),
  ];
}

function nvs(core: Core): FuzzTarget[] {
  const partition = core.buildNvsPartition(
    [
      { namespace: "net", key: "channel", type: "u8", value: 11 },
      { namespace: "net", key: "name", type: "string", value: "gateway" },
      { namespace: "net", key: "blob", type: "blob", value: new Uint8Array(70) },
    ],
    { sizeBytes: 3 * core.NVS_PAGE_SIZE },
  );
  const page = partition.subarray(0, core.NVS_PAGE_SIZE);
  const entry = page.subarray(64, 64 + core.NVS_ENTRY_SIZE);
  const nvsKeys = core.buildNvsKeys({ encryptionKey: new Uint8Array(32), tweakKey: new Uint8Array(32).fill(1) });
  const csv =
    'key,type,encoding,value\nnet,namespace,,\nchannel,data,u8,11\nname,data,string,"gate,way"\nraw,data,hex2bin,00ff\n';
  const provisioning = {
    ...{ provisioning: 1, device_id: "gw-1", broker: "mqtts://broker.example", topic: "bench/ota", product: "Gateway" },
    ...{ username: "gw-1", password: "x", allow_unsigned: 1 },
  };
  const provisioned = core.buildNvsPartition(
    core.provisioningEntries({ ...provisioning, provisioning: 1, allow_unsigned: true }),
    {
      sizeBytes: 3 * core.NVS_PAGE_SIZE,
    },
  );
  return [
    target(
      "readNvsPartition",
      [page, partition],
      withNvsCheckValues(core, core.readNvsPartition),
      3 * core.NVS_PAGE_SIZE,
    ),
    target("readProvisioning", [json(provisioning)], (bytes) => {
      const parsed = core.parseStrictJson(textOf(bytes));
      const members = new Map(parsed.ok ? Object.entries(Object(parsed.value)) : []);
      core.readProvisioning(({ key }) => {
        const value = members.get(key);
        if (typeof value === "number" || typeof value === "string") return value;
        return value === undefined ? undefined : json(value);
      });
    }),
    target(
      "provisioningOfPartition",
      [provisioned],
      withNvsCheckValues(core, core.provisioningOfPartition),
      3 * core.NVS_PAGE_SIZE,
    ),
    target("checkProvisioning", [json({ ...provisioning, allow_unsigned: true })], (bytes) => {
      const parsed = core.parseStrictJson(textOf(bytes));
      if (parsed.ok) core.checkProvisioning(parsed.value);
    }),
    target(
      "decryptNvsPartition",
      [page],
      (bytes) => core.decryptNvsPartition(bytes, core.parseNvsKeys(nvsKeys)),
      core.NVS_PAGE_SIZE,
    ),
    target("parseNvsKeys", [nvsKeys.subarray(0, 128)], (bytes) => {
      // As they came, and with the CRC that they should have.
      const fixed = new Uint8Array(68);
      fixed.set(bytes.subarray(0, 64));
      new DataView(fixed.buffer).setUint32(64, core.crc32(fixed.subarray(0, 64), core.NVS_CRC_SEED), true);
      attempt(core, () => core.parseNvsKeys(fixed));
      core.parseNvsKeys(bytes);
    }),
    target("parseNvsPageHeader", [page.subarray(0, 32)], (bytes) => core.parseNvsPageHeader(bytes)),
    target("parseNvsEntry", [entry], (bytes) => core.parseNvsEntry(bytes)),
    target("parseNvsVariableData", [entry.subarray(24)], (bytes) => core.parseNvsVariableData(bytes)),
    target("parseNvsBlobIndex", [entry.subarray(24)], (bytes) => core.parseNvsBlobIndex(bytes)),
    target("parseNvsCsv", [utf8(csv)], (bytes) => core.parseNvsCsv(bytes, () => bytes)),
    target("readCsvRows", [utf8(csv)], (bytes) => core.readCsvRows(textOf(bytes))),
  ];
}

function serial(core: Core): FuzzTarget[] {
  const request = core.buildLoaderRequest(0x08, new Uint8Array(36));
  const response = Uint8Array.of(1, 8, 4, 0, 0x12, 0x20, 0x55, 0x55, 0, 0, 0, 0);
  return [
    target("parseLoaderRequest", [request], (bytes) => core.parseLoaderRequest(bytes)),
    target("parseLoaderResponse", [response], (bytes) => core.parseLoaderResponse(bytes)),
    target("parseLoaderBlock", [Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, ...new Uint8Array(8), 7)], (bytes) =>
      core.parseLoaderBlock(bytes),
    ),
    target("splitLoaderStatus", [Uint8Array.of(0, 0), Uint8Array.of(1, 2, 0, 0)], (bytes) =>
      core.splitLoaderStatus(bytes, 2),
    ),
    target("parseSecurityInfo", [new Uint8Array(20)], (bytes) => core.parseSecurityInfo(bytes)),
    target("SlipDecoder", [core.encodeSlip(Uint8Array.of(0xc0, 1, 0xdb)), utf8("boot\r\n")], (bytes) => {
      const decoder = new core.SlipDecoder(256);
      for (let from = 0; from < bytes.length; from += 7) decoder.push(bytes.subarray(from, from + 7));
    }),
  ];
}

function texts(core: Core): FuzzTarget[] {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how a manifest writes variables
  const channels = { mqtt: { broker: "mqtts://$HOST:8883", topic: "a/b", password: "${PW:-x}", qos: 1 } };
  const root = {
    ...{ schema_version: 1, product: { name: "Gateway", hardware: "esp32" }, deployment: { channels } },
    versions: [{ id: "1.2.3", manifest: "versions/1.2.3/ota.json", label: "First" }],
  };
  const artifact = { name: "a", filename: "a.bin", size: 1, sha256: HEX32, protocols: ["mqtt"] };
  const version = { version: "1.2.3", created_at: TIME, base_path: "build", artifacts: [artifact] };
  const values = [{ a: [1, -2.5e3, "\u00e9\\n", null, true, { "": {} }] }, [[[[[[]]]]]], "\ud83d\ude00"];
  return [
    target("parseStrictJson", values.map(json), (bytes) =>
      core.parseStrictJson(textOf(bytes), { maxDepth: 8, integersOnly: bytes.length % 2 === 1 }),
    ),
    target("parseRootManifest", [json(root)], (bytes) => core.parseRootManifest(textOf(bytes), "manifest.json"), 2048),
    target("parseVersionManifest", [json(version)], (bytes) =>
      core.parseVersionManifest(textOf(bytes), "ota.json", "1.2.3"),
    ),
    target("expandEnvironment", [json(root)], (bytes) => {
      const { channels: parsed } = core.parseRootManifest(textOf(bytes), "manifest.json").deployment ?? {};
      core.secretsOf(core.expandEnvironment(parsed ?? {}, { HOST: "h", PW: "$HOST" }).channels);
    }),
  ];
}
