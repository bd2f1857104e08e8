export type CommandName =
  'new' | 'fix' | 'explain' | 'clear' | 'model' | 'preset' | 'see' | 'stop' | 'export' | 'help';

export interface ICommand {
  name: CommandName;
  /** What may stand behind it, as it is shown. */
  takes: string;
  words: string;
  /** Whether anything may stand behind it: words that are asked, or a name. */
  free?: boolean;
}

/** What can be typed with a slash. */
export const COMMANDS: readonly ICommand[] = [
  { name: 'fix', takes: '', words: 'Ask how to fix the last error', free: true },
  { name: 'explain', takes: '', words: 'Ask what the active cell does', free: true },
  { name: 'new', takes: '', words: 'Begin a new conversation', free: true },
  { name: 'model', takes: 'NAME', words: 'Choose the model for this conversation', free: true },
  { name: 'preset', takes: 'NAME', words: 'Choose a preset for this conversation', free: true },
  { name: 'see', takes: 'LEVEL', words: 'Say how much of the data may be seen', free: true },
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
  /** A command, but what stands behind it is not what it takes. */
  | { kind: 'more'; name: CommandName; takes: string }
  | { kind: 'unknown'; name: string };

/** Tell a command from words to be sent; a path such as `/home/me` is none. */
export function parse(words: string): Parsed {
  const found = /^\/([a-z]*)(?:[ \n]+([^]*))?$/i.exec(words.trim());
  if (!found) {
    return { kind: 'words' };
  }
  const name = found[1].toLowerCase();
  const command = COMMANDS.find(each => each.name === name);
  const rest = (found[2] ?? '').trim();
  if (!command) {
    return { kind: 'unknown', name };
  }
  return command.free || !rest || rest.toLowerCase() === command.takes
    ? { kind: 'command', name: command.name, rest }
    : { kind: 'more', name: command.name, takes: command.takes };
}

/** Why a line that begins with a slash does nothing yet, in words; null where it is a command, or plain words. */
export function doubtOf(parsed: Parsed): string | null {
  switch (parsed.kind) {
    case 'unknown':
      return `There is no command /${parsed.name}. Send it once more to ask it as words, or type / to see the commands.`;
    case 'more': {
      const takes = parsed.takes ? `nothing but “${parsed.takes}”` : 'nothing';
      return `Behind /${parsed.name} stands ${takes}. Send it once more to ask it as words.`;
    }
    default:
      return null;
  }
}

/** Find the one that is meant by what was typed: its whole name, or the only one that begins like this. */
export function named<T>(all: readonly T[], typed: string, name: (each: T) => string): T | null {
  const what = typed.toLowerCase();
  const whole = all.find(each => name(each).toLowerCase() === what);
  const begun = all.filter(each => name(each).toLowerCase().startsWith(what));
  return whole ?? (what && begun.length === 1 ? begun[0] : null);
}
