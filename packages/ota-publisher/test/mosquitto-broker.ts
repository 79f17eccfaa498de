import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../../test/free-port.ts";

/** A Mosquitto in a process of its own. */
export interface Mosquitto {
  readonly port: number;
  /** Process id. */
  readonly pid: number | undefined;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
  /** Ends it in an orderly way: it writes its store, if it has one. */
  stop(): Promise<void>;
}

const PASSWORD_TOOL = "mosquitto_passwd";

const running = new Set<Mosquitto>();

/** Ends every Mosquitto that a test left running, for example because it failed. */
export async function killMosquittos(): Promise<void> {
  for (const broker of running) await broker.kill();
}

/** Whether Mosquitto and its tools are installed. */
export function hasMosquitto(): boolean {
  return ["mosquitto", PASSWORD_TOOL].every((command) => {
    try {
      execFileSync(command, ["-h"], { stdio: "ignore" });
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== "ENOENT"; // -h itself exits with a status
    }
  });
}

/** Writes a password file for one user. */
export function writePasswords(folder: string, user: string, password: string): string {
  const file = join(folder, "passwords");
  execFileSync(PASSWORD_TOOL, ["-b", "-c", file, user, password], { stdio: "ignore" });
  return file;
}

/**
 * Starts Mosquitto on a port of this machine; it listens when the promise is fulfilled.
 *
 * @param lines - Of its configuration, after the listener's.
 */
export async function startMosquitto(
  folder: string,
  lines: readonly string[] = ["allow_anonymous true"],
  port?: number,
): Promise<Mosquitto> {
  const listening = port ?? (await freePort());
  const config = join(folder, `mosquitto-${listening}.conf`);
  // Files of a test are its user's alone; started by root, Mosquitto would become another user.
  const user = process.getuid?.() === 0 ? ["user root"] : [];
  const all = [...user, "persistence false", `listener ${listening} 127.0.0.1`, ...lines, ""];
  writeFileSync(config, all.join("\n"));
  const child = spawn("mosquitto", ["-c", config], { stdio: "ignore" });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    running.delete(broker);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, "close");
    child.kill(signal);
    await closed;
  };
  const broker: Mosquitto = {
    port: listening,
    pid: child.pid,
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
  };
  running.add(broker);
  await untilListening(listening, child);
  return broker;
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 250; attempt++) {
    if (child.exitCode !== null) throw new Error(`mosquitto ended with ${child.exitCode}`);
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (isThere) return;
    await delay(20);
  }
  throw new Error("mosquitto does not listen");
}
