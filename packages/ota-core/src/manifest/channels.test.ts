import { expect, test } from "vitest";
import type { Channels } from "../schemas/types.generated.ts";
import { resolveChannels } from "./channels.ts";

function resolve(root: Channels | undefined, version?: Channels, artifact?: Channels): Channels {
  const of = (channels: Channels | undefined) => (channels === undefined ? {} : { channels });
  return resolveChannels(
    { schema_version: 1, product: {}, versions: [], ...(root === undefined ? {} : { deployment: { channels: root } }) },
    { version: "1", artifacts: [], ...of(version) },
    { name: "a", filename: "a.bin", size: 0, sha256: "", ...of(artifact) },
  );
}

test("an artifact's channels override the version's, and those override the root's", () => {
  const root = { mqtt: { broker: "mqtt://root", topic: "t", qos: 1 as const }, https: { url: "https://root" } };
  const resolved = resolve(root, { mqtt: { broker: "mqtt://version", retain: true } }, { mqtt: { qos: 2 } });
  expect(resolved).toEqual({
    mqtt: { broker: "mqtt://version", topic: "t", qos: 2, retain: true },
    https: { url: "https://root" },
  });
});

test("a member that is an object is replaced as a whole", () => {
  const resolved = resolve({ https: { headers: { a: "1", b: "2" } } }, { https: { headers: { c: "3" } } });
  expect(resolved.https).toEqual({ headers: { c: "3" } });
});

test("a channel of another tool is merged too, and a version may add a channel", () => {
  expect(resolve({ pigeon: { wings: 2 } }, { pigeon: { name: "Bo" }, mqtt: { topic: "t" } })).toEqual({
    pigeon: { wings: 2, name: "Bo" },
    mqtt: { topic: "t" },
  });
});

test("merging no channels gives no channels, and changes no manifest", () => {
  expect(resolve(undefined)).toEqual({});
  const root = { mqtt: { broker: "mqtt://root" } };
  resolve(root, { mqtt: { broker: "mqtt://version" } });
  expect(root).toEqual({ mqtt: { broker: "mqtt://root" } });
});
