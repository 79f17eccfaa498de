import { join } from "node:path";
import { createReleaseLine, type ReleaseLine, ROOT_MANIFEST, runCommand } from "./release-line.ts";

/** A release line with keys of their own for each role, and the key set that trusts them. */
export interface SignedLine extends ReleaseLine {
  /** The private key's file of a name; `.pub` is beside it. */
  key(name: string): string;
  /** Folder of the key sets, where `deploy` looks for them. */
  readonly keys: string;
}

/** Makes key pairs: an unencrypted P-256 key for each name. */
export async function createKeys(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) await succeed("keygen", "--out", join(folder, name), "--quiet");
}

/** Runs a command that must end well. */
export async function succeed(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCommand(args);
  if (exitCode !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** A release line whose devices trust `root`, `release` and `offer`; nothing is packaged yet. */
export async function createSignedLine(product = "gateway"): Promise<SignedLine> {
  const line = createReleaseLine();
  line.writeManifest({ ...ROOT_MANIFEST, product: { ...ROOT_MANIFEST.product, name: product } });
  const key = (name: string): string => join(line.folder, name);
  const keys = join(line.folder, "ota", "keys");
  await createKeys(line.folder, ["root", "release", "offer", "stranger"]);
  await succeed(
    ...["keys", "init", "--keys", keys, "--product", product, "--sign-key", key("root")],
    ...["--root", key("root.pub"), "--release", key("release.pub"), "--offer", key("offer.pub")],
  );
  return { ...line, key, keys };
}
