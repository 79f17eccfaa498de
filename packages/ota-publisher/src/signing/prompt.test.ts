import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { askSecret } from "./prompt.ts";

/** A terminal on which somebody types. */
function terminal(isTTY = true) {
  const modes: boolean[] = [];
  const input = Object.assign(new PassThrough(), { isTTY, setRawMode: (raw: boolean) => modes.push(raw) });
  let shown = "";
  const output = {
    write: (text: string) => {
      if (text !== "\n") expect(modes, "nothing is asked while the terminal shows what is typed").toEqual([true]);
      shown += text;
    },
  };
  return { input, output, modes, shown: () => shown };
}

test.for([
  ["a line", "hunter2\r", "hunter2"],
  ["a line in pieces, and what comes after it", "hun|ter2\n|next", "hunter2"],
  ["mistakes taken back", "huntt\u007f|er3\b2\r", "hunter2"],
  ["a line begun anew", "wrong\u0015hunter2\r", "hunter2"],
  ["nothing", "\r", ""],
] as const)("reads %s without showing it", async ([, typed, answer]) => {
  const it = terminal();
  const asked = askSecret("Passphrase: ", it);
  for (const piece of typed.split("|")) it.input.write(piece);
  expect(await asked).toBe(answer);
  expect(it.shown()).toBe("Passphrase: \n");
  expect(it.modes).toEqual([true, false]);
});

test.for([
  ["Ctrl-C", (input: PassThrough) => input.write("hun\u0003")],
  ["a terminal that goes away", (input: PassThrough) => input.end()],
] as const)("%s ends the question, and the terminal is as it was", async ([, act]) => {
  const it = terminal();
  const asked = askSecret("Passphrase: ", it);
  act(it.input);
  await expect(asked).rejects.toMatchObject({ code: "delivery/interrupted" });
  expect(it.modes).toEqual([true, false]);
});

test("asks nothing without a terminal", async () => {
  const it = terminal(false);
  expect(await askSecret("Passphrase: ", it)).toBeUndefined();
  expect(it.shown()).toBe("");
});
