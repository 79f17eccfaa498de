import { testAttackedWorlds } from "./broker-as-attacker.ts";

testAttackedWorlds("ts", "first");
