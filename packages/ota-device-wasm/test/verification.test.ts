import { vi } from "vitest";

vi.mock("../../ota-core/test/receiver-under-test.ts", () => import("./use-device-code.ts"));

await import("../../ota-core/src/receiver/verification.test.ts");
