import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSha256 } from "@tinybms/ota-core";
import { piecesOf } from "@tinybms/ota-core/node";
import { type BenchLine, compare } from "./bench-line.ts";

const GIB = 2 ** 30;

/** Hashing a file of 1 GiB as `package` hashes a binary, against sha256sum. */
export async function benchHashFile(): Promise<readonly BenchLine[]> {
  const folder = mkdtempSync(join(tmpdir(), "tinybms-bench-"));
  const file = join(folder, "1g.bin");
  writeFileSync(file, "");
  truncateSync(file, GIB);
  try {
    return [
      await compare("hash a file of 1 GiB, against sha256sum", 1 / 0.9, 3, {
        ours: async () => {
          const start = performance.now();
          const hash = createSha256();
          for await (const piece of piecesOf(file)) hash.update(piece);
          hash.digest();
          return performance.now() - start;
        },
        plain: async () => {
          const start = performance.now();
          if (spawnSync("sha256sum", [file]).status !== 0) throw new Error("the bench needs sha256sum");
          return performance.now() - start;
        },
      }),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
