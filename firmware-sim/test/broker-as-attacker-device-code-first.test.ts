import { testAttackedWorlds } from "./broker-as-attacker.ts";

testAttackedWorlds("c", "first");
