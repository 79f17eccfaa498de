// Reads the recorded vectors. README.md in this folder describes them.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { IDF_RELEASE_NAMES, type IdfReleaseName } from "../../src/idf-release/idf-release.ts";

/** A kind of vector: a folder with a file for each release. */
export type VectorKind = "boot" | "app" | "nvs";

/** Folder of the vectors: this one, or the one in the environment variable `IDF_VECTORS`. */
export const VECTOR_FOLDER: string = process.env.IDF_VECTORS ?? import.meta.dirname;

/** Lists the releases for which a kind was recorded, oldest first. */
export function recordedReleases(kind: VectorKind): readonly IdfReleaseName[] {
  const files = readdirSync(join(VECTOR_FOLDER, kind)).filter((file) => file.endsWith(".jsonl.gz"));
  const names = files.map((file) => file.replace(/^v/, "").replace(/\.jsonl\.gz$/, ""));
  const unknown = names.find((name) => !IDF_RELEASE_NAMES.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`${kind}/ has vectors of ${unknown}, which is no known release`);
  return IDF_RELEASE_NAMES.filter((name) => names.includes(name));
}

/** Reads the cases of a kind and release. */
export function readVectors<Case>(kind: VectorKind, release: IdfReleaseName): readonly Case[] {
  const name = release.endsWith("-dev") ? release : `v${release}`;
  return readLines<Case>(join(VECTOR_FOLDER, kind, `${name}.jsonl.gz`));
}

/** Reads the app images that boot and app cases name. */
export function readVectorImages(): ReadonlyMap<string, Uint8Array> {
  const lines = readLines<{ readonly id: string; readonly bytes: string }>(join(VECTOR_FOLDER, "images.jsonl.gz"));
  return new Map(lines.map(({ id, bytes }) => [id, new Uint8Array(Buffer.from(bytes, "base64"))]));
}

function readLines<Line>(file: string): readonly Line[] {
  const text = gunzipSync(readFileSync(file)).toString("utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}
