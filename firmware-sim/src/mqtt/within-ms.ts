/** Waits until a promise settles, but at most for the given time. */
export async function withinMs(work: Promise<unknown>, limitMs: number): Promise<void> {
  let timeout: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timeout = setTimeout(resolve, limitMs);
  });
  const done = work.then(
    () => undefined,
    () => undefined,
  );
  await Promise.race([done, limit]);
  clearTimeout(timeout);
}
