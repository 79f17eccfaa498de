import {
  type AppFlashOptions,
  type BootReport,
  Flasher,
  type FlasherOptions,
  type FlashImage,
  type FlashPlan,
  planAppFlash,
  type SerialLine,
  type WriteReport,
  watchBoot,
} from "../src/index.ts";

export interface Flashed {
  readonly flasher: Flasher;
  readonly plan: FlashPlan;
  readonly report: WriteReport;
  readonly boot: BootReport;
}

/** What `tinybms-ota flash` does with one board: connect, look, plan, write, start, watch. */
export async function flashBoard(
  line: SerialLine,
  app: FlashImage,
  options: Partial<AppFlashOptions> & FlasherOptions = {},
): Promise<Flashed> {
  const flasher = await Flasher.connect(line, options);
  const layout = await flasher.readLayout();
  const wanted = { slot: "next", select: true, force: false, ...options } as const;
  const plan = planAppFlash(line.port, flasher.board, layout, app, wanted);
  const report = await flasher.flash(plan);
  await flasher.startApp();
  return { flasher, plan, report, boot: await watchBoot(line, { version: plan.app?.version, seconds: 10 }) };
}
