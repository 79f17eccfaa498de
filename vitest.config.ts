import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["@tinybms/source"] },
  ssr: { resolve: { conditions: ["@tinybms/source"] } },
  test: {
    globalSetup: "test/set-up.ts",
    include: [
      "packages/*/src/**/*.test.ts",
      "packages/*/test/**/*.test.ts",
      "firmware-sim/{src,test}/**/*.test.ts",
      "test/**/*.test.ts",
    ],
    // Vitest's default leaves one processor idle: of two that is half the machine.
    maxWorkers: "100%",
    execArgv: ["--conditions=@tinybms/source"],
    // A limit is for hangs, never for speed: a busy machine may take its time.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 600_000 } },
  },
});
