import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { type EmbeddedBroker, startEmbeddedBroker } from "@tinybms/firmware-sim/testkit";
import { buildAppImage, buildNvsPartition } from "@tinybms/ota-core/esp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runSimCli } from "../firmware-sim/src/cli.ts";
import { runCli } from "../packages/ota-publisher/src/cli/run-cli.ts";

/** In every secret that is planted, in whatever form it may come out. */
const PLANTED = "pl4nt3d";
const LOGIN = Buffer.from(`ops:${PLANTED}-basic`).toString("base64");
const PASSPHRASE = `${PLANTED}-passphrase`;
const env = {
  PATH: process.env.PATH ?? "",
  TINYBMS_OTA_PASSPHRASE: PASSPHRASE,
  BROKER_PASSWORD: `${PLANTED}-broker`,
  API_TOKEN: `${PLANTED}-token`,
  OPS_LOGIN: `ops:${PLANTED}-login`,
};

let folder = "";
let broker: EmbeddedBroker;
/** Lines of private keys, which are secrets too. */
let keyLines: readonly string[] = [];

const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-canary-"));
  broker = await startEmbeddedBroker();
  mkdirSync(at("ota"));
  writeFileSync(at("app.bin"), buildAppImage({ version: "1.2.3", projectName: "gateway", sizeBytes: 20_000 }));
  writeFileSync(at("next.bin"), buildAppImage({ version: "2.0.0", projectName: "gateway", sizeBytes: 20_000 }));
  writeFileSync(at("broken.bin"), buildAppImage({ version: "1.2.3", sizeBytes: 20_000 }).fill(0, 5000));
  writeFileSync(at("nvs.bin"), nvsWithSecrets());
  writeFileSync(at("passphrase"), `${PASSPHRASE}\n`);
  writeFileSync(at("ota/manifest.json"), JSON.stringify(manifestOf(broker.url)));
  writeFileSync(at("ota/nowhere.json"), JSON.stringify(manifestOf("mqtt://127.0.0.1:1")));
  writeFileSync(at("ota/wrong.json"), JSON.stringify({ ...manifestOf("mqtt://127.0.0.1:1"), versions: PLANTED }));
  for (const name of ["root", "release", "offer"]) await ota(["keygen", "--out", at(name), "--type", "ecdsa-p256"]);
  const [root, release, offer] = ["root", "release", "offer"].map((name) => at(`${name}.pub`)) as [
    string,
    string,
    string,
  ];
  await ota([
    ...["keys", "init", "--keys", at("ota/keys"), "--product", "gateway", "--root", root, "--release", release],
    ...["--offer", offer, "--sign-key", at("root")],
  ]);
  await ota(["keys", "init", "--keys", at("pending"), "--product", "gateway", "--root", root]);
  await ota(["package", "--manifest", at("ota/manifest.json"), "--binary", at("app.bin"), "--sign-key", at("release")]);
  await sim(["flash", "--output", at("flash.bin"), "--app", at("app.bin"), "--nvs", at("nvs.bin")]);
  const login = { broker: "mqtt://127.0.0.1:1", username: "bench-1", password: `${PLANTED}-told` };
  writeFileSync(at("from.json"), JSON.stringify(login));
  writeFileSync(at("list.csv"), `device_id,username,password,topic\na,a,${PLANTED}-list,b/+\n`);
  const provision = [
    "provision",
    "--device",
    "bench-1",
    "--from",
    at("from.json"),
    "--manifest",
    at("ota/manifest.json"),
  ];
  const made = [await ota([...provision, "--out", at("told.bin")]), await ota([...provision, "--out-dir", at("told")])];
  for (const { exitCode, said } of made) expect(exitCode, said).toBe(0);
  keyLines = ["root", "release", "offer"]
    .flatMap((name) => readFileSync(at(name), "utf8").split("\n"))
    .filter((line) => line.length > 20 && !line.startsWith("-----"));
});

afterAll(async () => {
  await broker.close();
  rmSync(folder, { recursive: true, force: true });
});

function manifestOf(url: string): object {
  const literal = { "X-Hook": `${PLANTED}-literal`, Authorization: `Basic ${LOGIN}` };
  return {
    schema_version: 1,
    product: { name: "gateway", hardware: "esp32" },
    versions: [{ id: "1.2.3", manifest: "versions/1.2.3/ota.json" }],
    deployment: {
      default_protocols: ["mqtt"],
      channels: {
        mqtt: { broker: url, topic: "bench/ota", rate: 0, username: "ops", password: "$BROKER_PASSWORD" },
        https: { url: `http://$OPS_LOGIN@127.0.0.1:1/f?token=$API_TOKEN&sig=${PLANTED}-sig`, headers: literal },
      },
    },
  };
}

/** What a device keeps: credentials of a Wi-Fi network and of a broker. */
function nvsWithSecrets(): Uint8Array {
  const entries = [
    ["password", `${PLANTED}-wifi`],
    ["broker", `mqtts://ops:${PLANTED}-device@broker.example`],
  ] as const;
  return buildNvsPartition(
    entries.map(([key, value]) => ({ namespace: "net", key, type: "string", value }) as const),
    { sizeBytes: 0x6000 },
  );
}

interface Ended {
  readonly exitCode: number;
  readonly said: string;
}

type Program = typeof ota;

async function ota(args: readonly string[]): Promise<Ended> {
  return collect((stdout, stderr) => runCli(args, { stdout, stderr, env, signal: new AbortController().signal }));
}

async function sim(args: readonly string[]): Promise<Ended> {
  return collect((stdout, stderr) => runSimCli(args, { stdout, stderr, env, signal: new AbortController().signal }));
}

async function collect(run: (stdout: PassThrough, stderr: PassThrough) => Promise<number>): Promise<Ended> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const said = Promise.all([text(stdout), text(stderr)]);
  const exitCode = await run(stdout, stderr);
  stdout.end();
  stderr.end();
  return { exitCode, said: (await said).join("") };
}

function expectNoSecret(said: string, args: readonly string[]): void {
  for (const secret of [PLANTED, LOGIN, ...keyLines]) expect(said, args.join(" ")).not.toContain(secret);
}

const MANIFEST = ["--manifest", "@ota/manifest.json"];
const DEPLOY = ["deploy", "--version", "1.2.3", "--timeout", "0.5", "--sign-key", "@offer", "--keys", "@ota/keys"];
const PROVISION = ["provision", "--from", "@from.json", ...MANIFEST];
const UNREADY = ["--signature", "@passphrase"];

/** Command lines with how they end; `@` stands for the folder. */
const SCENARIOS: readonly (readonly [program: Program, exitCode: number, args: readonly string[]])[] = [
  [ota, 0, ["package", ...MANIFEST, "--binary", "@app.bin", "--sign-key", "@release"]],
  [ota, 0, ["package", ...MANIFEST, "--binary", "@next.bin", "--sign-key", "@release", "--dry-run"]],
  [ota, 2, ["package", ...MANIFEST, "--binary", "@root"]],
  [ota, 2, ["package", ...MANIFEST, "--binary", "@app.bin", "--sign-key", "@passphrase"]],
  [ota, 2, ["package", "--manifest", "@ota/wrong.json", "--binary", "@app.bin"]],
  [ota, 0, [...DEPLOY, ...MANIFEST, "--wait", "none", "--timeout", "600"]],
  [ota, 0, [...DEPLOY, ...MANIFEST, "--dry-run"]],
  [ota, 1, [...DEPLOY, ...MANIFEST]],
  [ota, 1, [...DEPLOY, "--manifest", "@ota/nowhere.json"]],
  [ota, 1, ["deploy", "--version", "1.2.3", ...MANIFEST, "--timeout", "0.5", "--transport", "https"]],
  [ota, 2, [...DEPLOY, ...MANIFEST, "--broker", `mqtt://ops:${PLANTED}-option@broker.example`]],
  [ota, 2, [...DEPLOY, ...MANIFEST, "--broker", `ops:${PLANTED}-option@broker.example`]],
  [ota, 2, ["deploy", "--version", "1.2.3", ...MANIFEST, "--sign-key", "@release.pub"]],
  [ota, 2, ["deploy", "--version", "1.2.3", "--manifest", "@ota/wrong.json"]],
  [
    ota,
    1,
    ["withdraw", "--version", "1.2.3", "--manifest", "@ota/nowhere.json", "--sign-key", "@offer", "--timeout", "0.3"],
  ],
  [ota, 0, ["validate", ...MANIFEST]],
  [ota, 2, ["validate", "--manifest", "@ota/wrong.json"]],
  [ota, 2, ["validate", "--manifest", "@passphrase"]],
  [ota, 0, ["inspect", "@nvs.bin"]],
  [ota, 2, ["inspect", "@flash.bin"]],
  [ota, 2, ["inspect", "@root"]],
  [ota, 2, ["inspect", "@passphrase"]],
  [ota, 2, ["keygen", "--out", "@root"]],
  [ota, 2, ["keygen", "--out", "@missing/key", "--passphrase-file", "@passphrase"]],
  [ota, 0, ["keys", "show", "--keys", "@ota/keys"]],
  [ota, 0, ["keys", "show", "--keys", "@pending"]],
  [ota, 2, ["keys", "show", "--keys", "@passphrase"]],
  [ota, 2, ["keys", "init", "--product", "x", "--root", "@root", "--keys", "@none"]],
  [ota, 2, ["keys", "add", "@passphrase", "--role", "offer", "--keys", "@ota/keys"]],
  [ota, 2, ["keys", "revoke", "@root", "--keys", "@ota/keys"]],
  [ota, 2, ["keys", "rotate", "@root", "@release.pub", "--keys", "@ota/keys"]],
  [ota, 2, ["keys", "threshold", "root", "3", "--keys", "@ota/keys"]],
  [ota, 2, ["keys", "sign", "--sign-key", "@release", "--keys", "@pending"]],
  [ota, 0, ["sign", "@app.bin", "--sign-key", "@release", "--passphrase-file", "@passphrase"]],
  [ota, 2, ["sign", "@root", "--sign-key", "@release"]],
  [ota, 2, ["sign", "@app.bin", "--sign-key", "@passphrase"]],
  [ota, 2, ["sign", "@app.bin", "--sign-key", "@release", "--passphrase-file", "@app.bin"]],
  [ota, 0, ["verify", "@app.bin", "--key", "@release.pub"]],
  [ota, 2, ["verify", "@app.bin", "--key", "@release"]],
  [ota, 2, ["verify", "@app.bin", "--key", "@release.pub", ...UNREADY]],
  [ota, 2, [...PROVISION, "--device", "bench-1", "--out", "@told.bin"]],
  [ota, 2, [...PROVISION, "--device", "bench-1", "--out-dir", "@told", "--broker-acl", "mosquitto"]],
  [
    ota,
    2,
    [...PROVISION, "--device", "bench-1", "--out", "@x.bin", "--broker", `mqtt://ops:${PLANTED}@broker.example`],
  ],
  [ota, 2, [...PROVISION, "--devices", "@list.csv", "--out-dir", "@x"]],
  [ota, 2, ["provision", "--device", "bench-1", "--out", "@x.bin", "--from", "@passphrase"]],
  [ota, 2, ["provision", "--device", "bench-1", "--out", "@x.bin", "--csv", "@passphrase"]],
  [ota, 0, ["inspect", "@told.bin"]],
  [ota, 0, ["smoke", ...MANIFEST]],
  [ota, 2, ["smoke", "--manifest", "@ota/wrong.json"]],
  [sim, 1, ["run", "--broker", `mqtt://ops:${PLANTED}-sim@127.0.0.1:1`, "--timeout", "0.3"]],
  [sim, 1, ["run", "--broker", `ws://ops:${PLANTED}-sim@127.0.0.1:1/?token=${PLANTED}`, "--timeout", "0.3"]],
  [sim, 2, ["run", "--broker", `mqtt://ops:${PLANTED}-sim@broker.example`]],
  [sim, 2, ["run", "--broker", `http://ops:${PLANTED}-sim@broker.example`]],
  [sim, 2, ["run", "--broker", "embedded://127.0.0.1:0", "--nvs", "@nvs.bin", "--timeout", "0.3"]],
  [sim, 1, ["run", "--nvs", "@told.bin", "--timeout", "0.3"]],
  [sim, 2, ["run", "--nvs", "@told.bin", "--topic", "other/ota"]],
  [sim, 2, ["run", "--broker", "embedded://127.0.0.1:0", "--key-set", "@root"]],
  [sim, 2, ["power-cut", "--app", "@passphrase", "--update", "@next.bin"]],
  [sim, 2, ["twin", "--flash", "@flash.bin", "--update", "@next.bin", "--points", "5", "--jobs", "1"]],
  [sim, 2, ["twin", "--flash", "@nvs.bin", "--update", "@next.bin"]],
  [sim, 0, ["flash", "--output", "@again.bin", "--app", "@app.bin", "--nvs", "@nvs.bin"]],
  [sim, 2, ["flash", "--output", "@no.bin", "--app", "@root", "--nvs", "@nvs.bin"]],
];

const nameOf = (program: Program): string => (program === ota ? "tinybms-ota" : "tinybms-sim");

test.for(
  SCENARIOS.map(([program, exitCode, args]) => [nameOf(program), args.join(" "), exitCode, program, args] as const),
)("%s %s ends with %i and tells no secret, however much it says", async ([, , exitCode, program, args]) => {
  const given = args.map((word) => word.replace(/^@/, `${folder}/`));
  for (const more of [[], ["--verbose"], ["--json"], ["--json", "--verbose"], ["--quiet"]]) {
    const ended = await program([...given, ...more]);
    expectNoSecret(ended.said, [...given, ...more]);
    expect(ended.exitCode, ended.said).toBe(exitCode);
  }
});

/** The commands that `--help` lists below a program or a command. */
async function commandsOf(program: Program, above: readonly string[]): Promise<readonly string[]> {
  const { said } = await program([...above, "--help"]);
  const lists = [...said.matchAll(/ommands:\n((?: {2}.*\n?)+)/g)].map(([, list = ""]) => list).join("");
  return [...lists.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name = ""]) => name).filter((name) => name !== "help");
}

test("every command is tried in success or failure, and refuses options that it doesn't know without a word of them", async () => {
  for (const program of [ota, sim]) {
    const names = await commandsOf(program, []);
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) {
      const below = name === "keys" ? await commandsOf(program, [name]) : [""];
      for (const sub of below) {
        const words = [name, sub].filter((word) => word !== "");
        const said: string[] = [];
        for (const more of [[], ["--json"], ["--verbose"]]) {
          const args = [...words, "--no-such-option", `mqtt://ops:${PLANTED}@127.0.0.1`, ...more];
          said.push((await program(args)).said);
          said.push((await program([...words, at("root"), at("passphrase"), ...more])).said);
        }
        expectNoSecret(said.join("\n"), words);
      }
    }
  }
});
