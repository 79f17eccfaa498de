import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { ReplayDocument } from "./replay-document.ts";

/** Folder of the template. Built files are in `dist`, beside `src`. */
const TEMPLATE = new URL("../../src/replay-page/", import.meta.url);

/**
 * Renders a replay page: one HTML file that needs no other. Its content security policy admits its own style and script
 * alone, and all data is in one block of JSON.
 */
export async function renderReplayPage(document: ReplayDocument): Promise<string> {
  const [page, style, script] = await Promise.all(
    ["page.html", "page.css", "page.js"].map((name) => readFile(new URL(name, TEMPLATE), "utf8")),
  );
  const parts: Readonly<Record<string, string | undefined>> = {
    TITLE: escapeHtml(document.title),
    STYLE: style,
    STYLE_HASH: hashOf(style),
    SCRIPT: script,
    SCRIPT_HASH: hashOf(script),
    DATA: JSON.stringify(document).replaceAll("<", "\\u003c"),
  };
  return (page ?? "").replace(/(?:\/\*|")?%([A-Z_]+)%(?:\*\/|")?/g, (_, name: string) => parts[name] ?? "");
}

/** Returns the hash by which a content security policy names an inline style or script. */
function hashOf(text: string | undefined): string {
  return `'sha256-${createHash("sha256")
    .update(text ?? "")
    .digest("base64")}'`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
