import { APP_BEHAVIORS, type AppCall } from "../idf-release/app-behaviors.ts";
import type { AppContext } from "./app-context.ts";

/**
 * Asserts that the app's release of ESP-IDF has a function. Otherwise the app could not have been built.
 *
 * @throws Error if the release doesn't have it.
 */
export function assertHasCall({ options: { idf } }: AppContext, name: AppCall): void {
  if (!idf.behaviors[name]) throw new Error(`ESP-IDF ${idf.name} has no ${APP_BEHAVIORS[name].call}`);
}
