import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cargoInstall, debUnpack, goInstall, mavenCopy, pipInstall, replaceIn, run } from "./registries.ts";

/** A command that runs until it is killed. */
export interface BrokerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Run after its end. */
  readonly after?: { readonly command: string; readonly args: readonly string[] };
}

/** Where a broker listens and keeps its files. */
export interface BrokerPlace {
  /** A folder of its own for each start. */
  readonly folder: string;
  readonly port: number;
  /** More free ports. */
  readonly ports: readonly [number, number];
}

/** A broker that was got from a registry. */
export interface GotBroker {
  readonly version: string;
  /** @param isTight - With the settings of {@link TriedBroker.tight}. */
  start(place: BrokerPlace, isTight: boolean): BrokerCommand;
}

/** A broker to try. */
export interface TriedBroker {
  readonly name: string;
  /** Registry that has it, and its name there. */
  readonly from: string;
  /** Settings of a tight queue; `undefined` if it has none for a client's queue. */
  readonly tight: string | undefined;
  /** Settings that a fleet needs, or what to know. */
  readonly fleet: string;
  /** Gets it without installing anything in the system. */
  get(folder: string): Promise<GotBroker>;
}

/** What mochi allows by default. */
const MOCHI_CAPABILITIES = {
  ...{ maximum_clients: 10_000, maximum_qos: 2, retain_available: 1, wildcard_sub_available: 1 },
  ...{ receive_maximum: 1024, maximum_session_expiry_interval: 4_294_967_295, maximum_message_expiry_interval: 86_400 },
};

/** Brokers to try, in the order of the table. */
export const TRIED_BROKERS: readonly TriedBroker[] = [
  {
    name: "Mosquitto",
    from: "Debian `mosquitto`",
    tight: "`max_inflight_messages 1`, `max_queued_messages 2`",
    fleet: "`max_inflight_messages 100`, `max_queued_messages 0`, `persistence true`",
    async get() {
      const version = (await run("sh", ["-c", "mosquitto -h | head -n 1"])).replace(/.*version /, "");
      return {
        version,
        start({ folder, port }, isTight) {
          const tight = isTight ? ["max_inflight_messages 1", "max_queued_messages 2"] : [];
          const user = process.getuid?.() === 0 ? ["user root"] : [];
          const lines = [...user, `listener ${port} 127.0.0.1`, "allow_anonymous true", ...tight];
          return { command: "mosquitto", args: ["-c", write(folder, "mosquitto.conf", lines)] };
        },
      };
    },
  },
  {
    name: "NATS with JetStream",
    from: "Go `nats-io/nats-server/v2`",
    tight: "`max_ack_pending: 1`; its streams keep the rest",
    fleet:
      "`jetstream { store_dir }` on a disk, for retained messages; in a [cluster](scale.md#a-cluster), devices that subscribe at QoS 0",
    async get(folder) {
      const server = await goInstall(folder, "github.com/nats-io/nats-server/v2@latest", "nats-server");
      return {
        version: (await run(server, ["--version"])).replace(/.*v/, ""),
        start({ folder: own, port, ports }, isTight) {
          const lines = [
            ...["server_name: tried", `listen: "127.0.0.1:${ports[0]}"`, `jetstream { store_dir: "${own}" }`],
            `mqtt { host: "127.0.0.1", port: ${port}${isTight ? ", max_ack_pending: 1" : ""} }`,
          ];
          return { command: server, args: ["-c", write(own, "nats.conf", lines)] };
        },
      };
    },
  },
  {
    name: "mochi",
    from: "Go `mochi-mqtt/server/v2`",
    tight: "`maximum_inflight: 1`, `maximum_client_writes_pending: 2`",
    fleet: "a storage hook, for retained messages that outlive a restart",
    async get(folder) {
      const server = await goInstall(folder, "github.com/mochi-mqtt/server/v2/cmd/docker@latest", "docker");
      const built = await run("go", ["version", "-m", server]);
      return {
        version: /mochi-mqtt\/server\/v2\s+v(\S+)/.exec(built)?.[1] ?? "unknown",
        start({ folder: own, port }, isTight) {
          // Capabilities that are left out are 0.
          const capabilities = { maximum_inflight: 1, maximum_client_writes_pending: 2, ...MOCHI_CAPABILITIES };
          const tight = ["  capabilities:", ...Object.entries(capabilities).map(([key, to]) => `    ${key}: ${to}`)];
          const lines = [
            ...["listeners:", "  - type: tcp", "    id: tcp", `    address: "127.0.0.1:${port}"`],
            ...["hooks:", "  auth:", "    allow_all: true", ...(isTight ? ["options:", ...tight] : [])],
          ];
          return { command: server, args: ["-config", write(own, "config.yaml", lines)] };
        },
      };
    },
  },
  {
    name: "RabbitMQ",
    from: "Debian `rabbitmq-server`, plugin `rabbitmq_mqtt`",
    tight: "`mqtt.prefetch = 1`; its queues keep the rest",
    fleet: "nothing for chunks; it does not retain wills, so `status` shows devices without power as online",
    async get(folder) {
      const root = await debUnpack(folder, "rabbitmq-server", /^erlang/);
      const erlang = join(root, "usr/lib/erlang");
      // The scripts of Debian's Erlang name the folder that it is installed in.
      replaceIn(root, "usr/lib/erlang/{bin,erts-*/bin}/erl", "ROOTDIR=/usr/lib/erlang", `ROOTDIR=${erlang}`);
      const [server = ""] = (await run("sh", ["-c", `ls ${root}/usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server`])).split(
        "\n",
      );
      return {
        version: /rabbitmq_server-([^/]+)/.exec(server)?.[1] ?? "unknown",
        start({ folder: own, port, ports }, isTight) {
          const tight = isTight ? ["mqtt.prefetch = 1"] : [];
          const lines = ["listeners.tcp = none", `mqtt.listeners.tcp.1 = 127.0.0.1:${port}`, ...tight];
          const path = `${join(erlang, "bin")}:${process.env.PATH}`;
          const epmd = String(ports[1]);
          return {
            command: server,
            args: [],
            env: {
              ...{ HOME: own, PATH: path, RABBITMQ_NODENAME: "tried@localhost", RABBITMQ_CONF_ENV_FILE: "/dev/null" },
              ...{ RABBITMQ_MNESIA_BASE: join(own, "mnesia"), RABBITMQ_LOG_BASE: join(own, "log") },
              ...{ RABBITMQ_PID_FILE: join(own, "pid"), RABBITMQ_GENERATED_CONFIG_DIR: join(own, "generated") },
              ...{ RABBITMQ_CONFIG_FILE: write(own, "rabbitmq.conf", lines) },
              ...{ RABBITMQ_ENABLED_PLUGINS_FILE: write(own, "enabled_plugins", ["[rabbitmq_mqtt]."]) },
              ...{ RABBITMQ_DIST_PORT: String(ports[0]), ERL_EPMD_PORT: epmd, ERL_EPMD_ADDRESS: "127.0.0.1" },
              RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
            },
            after: { command: join(erlang, "bin/epmd"), args: ["-port", epmd, "-kill"] },
          };
        },
      };
    },
  },
  {
    name: "HiveMQ CE",
    from: "Maven `com.hivemq:hivemq-community-edition-embedded`",
    tight: "`max-queue-size` 2",
    fleet: "`max-queue-size`, 1 000 by default: how many messages a device may lag behind",
    async get(folder) {
      const version = "2025.5";
      const classpath = await mavenCopy(folder, "com.hivemq", "hivemq-community-edition-embedded", version);
      return {
        version,
        start({ folder: own, port }, isTight) {
          const queue = "<queued-messages><max-queue-size>2</max-queue-size></queued-messages>";
          const listener = `<tcp-listener><port>${port}</port><bind-address>127.0.0.1</bind-address></tcp-listener>`;
          const lines = [
            `<hivemq><listeners>${listener}</listeners>${isTight ? `<mqtt>${queue}</mqtt>` : ""}`,
            "<anonymous-usage-statistics><enabled>false</enabled></anonymous-usage-statistics></hivemq>",
          ];
          const folders = ["conf", "data", "extensions"].map((name) => join(own, name));
          for (const it of folders) mkdirSync(it, { recursive: true });
          write(folders[0] ?? own, "config.xml", lines);
          const source = join(import.meta.dirname, "HiveMqBroker.java");
          return { command: "java", args: ["-cp", classpath, source, ...folders] };
        },
      };
    },
  },
  {
    name: "rumqttd",
    from: "crates.io `rumqttd`",
    tight: "`max_inflight_count = 1`; its log keeps the rest",
    fleet:
      "`max_payload_size` for hash lists above 20 480 bytes, `max_connections`; an offer that comes during a probation waits for the next connection",
    async get(folder) {
      const server = await cargoInstall(folder, "rumqttd");
      return {
        version: (await run(server, ["--version"])).replace(/.* /, ""),
        start({ folder: own, port }, isTight) {
          const lines = [
            ...["id = 0", "[router]", "id = 0", "max_connections = 10010", "max_outgoing_packet_count = 200"],
            ...["max_segment_size = 104857600", "max_segment_count = 10", "[v4.1]", 'name = "v4-1"'],
            ...[`listen = "127.0.0.1:${port}"`, "next_connection_delay_ms = 1", "[v4.1.connections]"],
            ...["connection_timeout_ms = 60000", "max_payload_size = 20480", "dynamic_filters = true"],
            `max_inflight_count = ${isTight ? 1 : 100}`,
          ];
          return { command: server, args: ["-q", "-c", write(own, "rumqttd.toml", lines)] };
        },
      };
    },
  },
  {
    name: "amqtt",
    from: "PyPI `amqtt`",
    tight: undefined,
    fleet: "for a bench only: bursts arrive out of order, so some chunks are sent twice",
    async get(folder) {
      const bin = await pipInstall(folder, "amqtt");
      return {
        version: (await run(join(bin, "pip"), ["show", "amqtt"])).match(/^Version: (.*)$/m)?.[1] ?? "unknown",
        start({ folder: own, port }) {
          const lines = [
            ...["listeners:", "  default:", "    type: tcp", `    bind: 127.0.0.1:${port}`, "plugins:"],
            ...["  amqtt.plugins.authentication.AnonymousAuthPlugin:", "    allow_anonymous: true"],
          ];
          return { command: join(bin, "amqtt"), args: ["-c", write(own, "amqtt.yaml", lines)] };
        },
      };
    },
  },
];

/** Writes lines to a file in a folder. @returns Its path. */
function write(folder: string, name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}
