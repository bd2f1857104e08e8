import { TetherServer } from './request';

/** A quick prompt: one that comes with Tether, or the user's own. */
export interface ISuggestedPrompt {
  id: string;
  title: string;
  prompt: string;
  builtin: boolean;
}

/** The quick prompts that are not hidden, in their order. */
export async function suggestedPrompts(server: TetherServer): Promise<ISuggestedPrompt[]> {
  return (await server.json<{ suggestions: ISuggestedPrompt[] }>('suggestions')).suggestions;
}
