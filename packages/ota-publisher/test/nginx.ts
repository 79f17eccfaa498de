import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../../test/free-port.ts";

/** nginx as a child process, with a folder of its own. */
export interface Nginx {
  readonly port: number;
  /** Folder that requests write to. */
  readonly root: string;
  /** Ends it and waits until it has. */
  stop(): Promise<void>;
}

/** The command, also where `/usr/sbin` is not on the path; `undefined` if nginx is not installed. */
export const NGINX: string | undefined = ["nginx", "/usr/sbin/nginx"].find((command) => {
  try {
    execFileSync(command, ["-v"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
});

/**
 * Starts nginx on a free port of 127.0.0.1 and waits until it takes connections.
 *
 * @param folder - Empty folder for its configuration, its files and its logs.
 * @param settings - Lines of the `server` block besides `listen` and `root`.
 * @param isTls - Whether it speaks TLS there.
 */
export async function startNginx(folder: string, settings: readonly string[], isTls: boolean): Promise<Nginx> {
  const [port, root] = [await freePort(), join(folder, "www")];
  for (const name of [root, join(folder, "temp")]) mkdirSync(name);
  const config = join(folder, "nginx.conf");
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path temp/${name};`);
  // Started by root, its workers would be somebody else, to whom the folder is closed.
  const user = process.getuid?.() === 0 ? "user root;" : "";
  writeFileSync(
    config,
    `${user} daemon off; worker_processes 1; pid nginx.pid; error_log error.log;
events { worker_connections 64; }
http {
  access_log off; ${temp.join(" ")}
  server {
    listen 127.0.0.1:${port}${isTls ? " ssl" : ""};
    root ${root};
    client_max_body_size 100m;
    ${settings.join("\n    ")}
  }
}
`,
  );
  const child = spawn(NGINX ?? "nginx", ["-p", folder, "-c", config, "-e", join(folder, "error.log")], {
    stdio: "ignore",
  });
  const ended = once(child, "close");
  try {
    await untilListening(port, () => child.exitCode !== null);
  } catch (error) {
    child.kill();
    throw error;
  }
  return {
    port,
    root,
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}

async function untilListening(port: number, hasEnded: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (hasEnded()) throw new Error("nginx ended at its start");
    const socket = connect(port, "127.0.0.1");
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    await delay(25);
  }
  throw new Error("nginx does not listen");
}
