import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { takeCounter } from "../src/sequence.ts";
import { createReleaseLine, type ReleaseLine, runCommand } from "./release-line.ts";

let line: ReleaseLine;
let ota: string;
let outside: string;

beforeEach(() => {
  line = createReleaseLine();
  ota = join(line.folder, "ota");
  outside = join(line.folder, "outside");
  mkdirSync(outside);
});

afterEach(() => line.remove());

const packageIt = (...args: string[]) => line.run(["package", "--binary", line.binary, ...args]);
const request = { topicRoot: "bench/ota", retained: [], keyEpoch: undefined };

async function releaseKey(): Promise<string> {
  const key = join(line.folder, "release.pem");
  expect((await runCommand(["keygen", "--out", key])).exitCode).toBe(0);
  return key;
}

test.for(["release.json", "ota.json", "gateway-1.2.3.bin"])(
  "package writes nothing through a %s that is a link out of the release line",
  async (name) => {
    const victim = join(outside, "victim");
    writeFileSync(victim, "untouched");
    mkdirSync(join(ota, "versions", "1.2.3"), { recursive: true });
    symlinkSync(victim, join(ota, "versions", "1.2.3", name));
    const { exitCode, stderr } = await packageIt("--update-manifest", "--force", "--sign-key", await releaseKey());
    expect(exitCode, stderr).not.toBe(0);
    expect(readFileSync(victim, "utf8")).toBe("untouched");
    expect(readdirSync(outside)).toEqual(["victim"]);
  },
);

test.for([["versions"], ["versions/1.2.3"]])(
  "package writes nothing into a %s that leads out of the release line",
  async ([name]) => {
    const place = join(ota, name ?? "");
    mkdirSync(join(place, ".."), { recursive: true });
    symlinkSync(outside, place);
    for (const args of [[], ["--update-manifest"], ["--dry-run"]]) {
      const { exitCode, stderr } = await packageIt(...args);
      expect(exitCode, stderr).not.toBe(0);
    }
    expect(readdirSync(outside)).toEqual([]);
  },
);

test("the number of an offer is not recorded through links that lead elsewhere", async () => {
  const file = join(ota, ".tinybms-ota", "sequence.json");
  symlinkSync(outside, join(ota, ".tinybms-ota"));
  await expect(takeCounter(file, request)).rejects.toMatchObject({
    code: "package/write-failed",
    message: expect.stringContaining("through a symbolic link"),
    hint: expect.stringContaining("remove the link"),
  });
  expect(readdirSync(outside)).toEqual([]);
  rmSync(join(ota, ".tinybms-ota"));
  mkdirSync(join(ota, ".tinybms-ota"));
  const victim = join(outside, "victim");
  writeFileSync(victim, '{"topics":{}}');
  symlinkSync(victim, file);
  await expect(takeCounter(file, request)).rejects.toMatchObject({ code: "package/write-failed" });
  expect(readFileSync(victim, "utf8")).toBe('{"topics":{}}');
});

test("a pending key set is not written through a link that leads elsewhere", async () => {
  const root = await releaseKey();
  const keys = join(ota, "keys");
  const victim = join(outside, "victim");
  const init = ["keys", "init", "--product", "gateway", "--root", `${root}.pub`, "--keys", keys];
  expect((await runCommand(init)).exitCode).toBe(0);
  writeFileSync(victim, readFileSync(join(keys, "pending.json")));
  rmSync(join(keys, "pending.json"));
  symlinkSync(victim, join(keys, "pending.json"));
  const before = readFileSync(victim, "utf8");
  const { exitCode, stderr } = await runCommand(["keys", "threshold", "offer", "1", "--keys", keys]);
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain("through a symbolic link");
  expect(readFileSync(victim, "utf8")).toBe(before);
});

test("refuses to write a key set into a key folder that is a link out of the release line", async () => {
  const root = await releaseKey();
  const keys = join(ota, "keys");
  symlinkSync(outside, keys);
  const init = ["keys", "init", "--product", "gateway", "--root", `${root}.pub`];
  const { exitCode, stderr } = await runCommand([...init, "--keys", keys]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain("error[package/write-failed]");
  expect(stderr).toContain("through a symbolic link");
  expect(readdirSync(outside)).toEqual([]);
  // The hint, tried: the link is gone, or the folder behind it is named itself.
  expect(await runCommand([...init, "--keys", outside])).toMatchObject({ exitCode: 0 });
  rmSync(keys);
  expect(await runCommand([...init, "--keys", keys])).toMatchObject({ exitCode: 0 });
});

test("edits a root manifest that is a link at its target", async () => {
  const real = join(outside, "manifest.json");
  writeFileSync(real, readFileSync(line.manifest));
  rmSync(line.manifest);
  symlinkSync(real, line.manifest);
  expect(await packageIt("--update-manifest")).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(readFileSync(real, "utf8")).versions).toMatchObject([{ id: "1.2.3" }]);
});
