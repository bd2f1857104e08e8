export type CommandName =
  'new' | 'fix' | 'explain' | 'clear' | 'model' | 'preset' | 'see' | 'stop' | 'export' | 'help';

export interface ICommand {
  name: CommandName;
  /** What may stand behind it, as it is shown. */
  takes: string;
  words: string;
}

/** What can be typed with a slash. */
export const COMMANDS: readonly ICommand[] = [
  { name: 'fix', takes: '', words: 'Ask how to fix the last error' },
  { name: 'explain', takes: '', words: 'Ask what the active cell does' },
  { name: 'new', takes: '', words: 'Begin a new conversation' },
  { name: 'model', takes: 'NAME', words: 'Choose the model for this conversation' },
  { name: 'preset', takes: 'NAME', words: 'Choose a preset for this conversation' },
  { name: 'see', takes: 'LEVEL', words: 'Say how much of the data may be seen' },
  { name: 'clear', takes: 'context', words: 'Take away everything that would go along' },
  { name: 'export', takes: '', words: 'Save this conversation as Markdown' },
  { name: 'stop', takes: '', words: 'Stop the answer' },
  { name: 'help', takes: '', words: 'Show what can be typed here' }
];

export const LEVELS = ['off', 'schema', 'samples', 'values'] as const;
export type Level = (typeof LEVELS)[number];

export const LEVEL_WORDS: Record<Level, string> = {
  off: 'Nothing of the kernel',
  schema: 'Names, types and shapes',
  samples: 'A few rows as well',
  values: 'Whole small values as well'
};

export type Parsed =
  | { kind: 'words' }
  | { kind: 'command'; name: CommandName; rest: string }
  | { kind: 'unknown'; name: string };

/** Tell a command from words to be sent; a path such as `/home/me` is none. */
export function parse(words: string): Parsed {
  const found = /^\/([a-z]*)(?:[ \n]+([^]*))?$/i.exec(words.trim());
  if (!found) {
    return { kind: 'words' };
  }
  const name = found[1].toLowerCase();
  const command = COMMANDS.find(each => each.name === name);
  return command
    ? { kind: 'command', name: command.name, rest: (found[2] ?? '').trim() }
    : { kind: 'unknown', name };
}

/** Find the one that is meant by what was typed: its whole name, or the only one that begins like this. */
export function named<T>(all: readonly T[], typed: string, name: (each: T) => string): T | null {
  const what = typed.toLowerCase();
  const whole = all.find(each => name(each).toLowerCase() === what);
  const begun = all.filter(each => name(each).toLowerCase().startsWith(what));
  return whole ?? (what && begun.length === 1 ? begun[0] : null);
}
