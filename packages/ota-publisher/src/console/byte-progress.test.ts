import { Writable } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { CommandOutput } from "@tinybms/cli-kit/output";
import { expect, test } from "vitest";
import { type ByteProgress, createByteProgress } from "./byte-progress.ts";

/** What a view writes while it is used, on a terminal or not. */
function show(
  { isTTY, quiet = false }: { readonly isTTY: boolean; readonly quiet?: boolean },
  use: (view: ByteProgress) => void,
): string {
  let text = "";
  const write = (chunk: unknown, _encoding: string, done: () => void): void => {
    text += String(chunk);
    done();
  };
  const stderr = Object.assign(new Writable({ write, decodeStrings: false }), { isTTY, columns: 120 });
  const world = { stdout: stderr, stderr, env: {}, signal: new AbortController().signal };
  const view = createByteProgress(new CommandOutput(world, { quiet }), "gateway", 1000);
  use(view);
  view.stop();
  return text;
}

test("without a terminal prints a line at each quarter, and again when sending starts over", () => {
  const text = show({ isTTY: false }, (view) => {
    for (const bytes of [100, 260, 280, 0, 255, 1000]) view.update(bytes);
  });
  expect(text).toBe("gateway: 25%\ngateway: 25%\ngateway: 100%\n");
});

test("on a terminal shows a bar, and keeps notes above it", () => {
  const text = stripVTControlCharacters(
    show({ isTTY: true }, (view) => {
      view.update(500);
      view.note("the connection was lost");
      view.update(1000);
    }),
  );
  expect(text).toContain("50% gateway  500 B of 1.0 kB");
  expect(text).toContain("the connection was lost\n");
  expect(text).toContain("100% gateway");
});

test("with --quiet nothing is shown", () => {
  expect(show({ isTTY: true, quiet: true }, (view) => view.update(500))).toBe("");
});
