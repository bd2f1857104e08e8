import type { IInForce } from '../server/clients';

/** A value that the page lets people set. */
export type Field = 'temperature' | 'max_tokens' | 'top_p' | 'system';

export interface IFieldInfo {
  name: Field;
  title: string;
  help: string;
  least?: number;
  most?: number;
  step?: number;
}

export const FIELDS: readonly IFieldInfo[] = [
  {
    name: 'temperature',
    title: 'Temperature',
    help: 'From 0 to 2. Low is steady, high is varied.',
    least: 0,
    most: 2,
    step: 0.1
  },
  {
    name: 'max_tokens',
    title: 'Longest answer',
    help: 'In tokens. An answer that reaches it ends there.',
    least: 1,
    most: 1_000_000,
    step: 1
  },
  {
    name: 'top_p',
    title: 'Top p',
    help: 'Over 0, up to 1. Below 1, unlikely words are left out.',
    least: 0,
    most: 1,
    step: 0.05
  },
  {
    name: 'system',
    title: 'System prompt',
    help: 'What the model is told before every question.'
  }
];

/** The value that a text stands for: null for none of one's own, or in words why it is no such value. */
export function read(
  field: IFieldInfo,
  text: string
): { value: string | number | null } | { wrong: string } {
  if (!text.trim()) {
    return { value: null };
  }
  if (field.least === undefined || field.most === undefined) {
    return { value: text };
  }
  const number = Number(text.trim().replace(',', '.'));
  const whole = field.name === 'max_tokens';
  const low = field.name === 'top_p' ? number <= field.least : number < field.least;
  if (
    !Number.isFinite(number) ||
    low ||
    number > field.most ||
    (whole && !Number.isInteger(number))
  ) {
    const over =
      field.name === 'top_p' ? 'over 0, up to 1' : `from ${field.least} to ${field.most}`;
    return { wrong: `${whole ? 'A whole number' : 'A number'} ${over}. Nothing was changed.` };
  }
  return { value: number };
}

/** Where a value comes from, in words. */
export function layerWords(found: IInForce | undefined, preset: string | null): string {
  if (!found || found.value === null || found.value === undefined) {
    return 'the model decides';
  }
  switch (found.layer) {
    case 'client settings':
      return 'set here';
    case 'preset':
      return preset ? `from the preset ${preset}` : 'from a preset';
    case 'default':
      return 'the usual value';
    case 'environment':
      return "from the server's environment";
    default:
      return `from the ${found.layer}`;
  }
}

/** A preset's or a setting's value in a few words. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) {
    return 'not set';
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

const NAMES: Record<string, string> = {
  model: 'model',
  system: 'system prompt',
  temperature: 'temperature',
  max_tokens: 'longest answer',
  top_p: 'top p',
  see: 'data it may see'
};

/** What a preset sets, in one line. */
export function presetWords(values: Record<string, unknown>): string {
  const found = Object.entries(values)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${NAMES[name] ?? name.replace(/_/g, ' ')} ${shown(value)}`);
  return found.join(' · ') || 'sets nothing';
}
