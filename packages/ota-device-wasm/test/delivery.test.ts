import { vi } from "vitest";

vi.mock("../../ota-core/test/receiver-under-test.ts", () => import("./use-device-code.ts"));

await import("../../ota-core/test/delivery.test.ts");
