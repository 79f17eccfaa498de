import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** `true` if Chromium is installed. */
export const HAS_CHROMIUM = spawnSync("chromium", ["--version"], { stdio: "ignore" }).status === 0;

/** A page in headless Chromium. */
export interface ChromiumPage extends AsyncDisposable {
  /** Returns the value of an expression, which must be JSON. */
  evaluate(expression: string): Promise<unknown>;
  /** Messages of the console, and exceptions, so far. */
  readonly messages: readonly string[];
}

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** Opens a file in headless Chromium, driven by the DevTools protocol. */
export async function openInChromium(file: string): Promise<ChromiumPage> {
  const profile = await mkdtemp(join(tmpdir(), "tinybms-chromium-"));
  const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"];
  const chromium = spawn("chromium", [...flags, `--user-data-dir=${profile}`, "about:blank"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const url = await new Promise<string>((resolve, reject) => {
    let text = "";
    chromium.stderr.on("data", (bytes: Buffer) => {
      text += bytes.toString();
      const found = /DevTools listening on (ws:\S+)/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
    chromium.once("exit", () => reject(new Error(`Chromium ended: ${text}`)));
  });
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", reject);
  });
  const messages: string[] = [];
  const waiting = new Map<number, (reply: Reply) => void>();
  let markLoaded = () => {};
  const loaded = new Promise<void>((resolve) => {
    markLoaded = resolve;
  });
  socket.addEventListener("message", ({ data }) => {
    const reply = JSON.parse(String(data)) as Reply;
    if (reply.id !== undefined) waiting.get(reply.id)?.(reply);
    if (reply.method === "Page.loadEventFired") markLoaded();
    if (/^(?:Runtime\.(?:consoleAPICalled|exceptionThrown)|Log\.entryAdded)$/.test(reply.method ?? ""))
      messages.push(JSON.stringify(reply.params));
  });
  let sessionId: string | undefined;
  let count = 0;
  const send = async <Result>(method: string, params: object = {}): Promise<Result> => {
    const id = ++count;
    const reply = await new Promise<Reply>((resolve) => {
      waiting.set(id, resolve);
      socket.send(JSON.stringify({ id, method, params, sessionId }));
    });
    if (reply.error !== undefined) throw new Error(`${method}: ${JSON.stringify(reply.error)}`);
    return reply.result as Result;
  };
  const { targetId } = await send<{ targetId: string }>("Target.createTarget", { url: "about:blank" });
  ({ sessionId } = await send<{ sessionId: string }>("Target.attachToTarget", { targetId, flatten: true }));
  for (const domain of ["Page", "Runtime", "Log"]) await send(`${domain}.enable`);
  await send("Page.navigate", { url: `file://${file}` });
  await loaded;
  return {
    messages,
    evaluate: async (expression) => {
      const { result } = await send<{ result: { value: unknown } }>("Runtime.evaluate", {
        expression,
        returnByValue: true,
      });
      return result.value;
    },
    [Symbol.asyncDispose]: async () => {
      const ended = new Promise((resolve) => chromium.once("exit", resolve));
      sessionId = undefined;
      socket.send(JSON.stringify({ id: ++count, method: "Browser.close" }));
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
