import type { Answer } from './answer';
import { INTERRUPTED, phaseWords, sentenceEnd, spoken } from './words';

type Told = Pick<Answer, 'phase' | 'text' | 'position' | 'load' | 'problem'>;

/** What a screen reader hears of an answer: each phase once, without what counts up, and its text by the sentence. */
export class Teller {
  /** Look at an answer; return what is to be heard now, which is the same as before while there is nothing new. */
  hear(answer: Told | null): string {
    if (answer !== this._answer) {
      this._answer = answer;
      this._told = 0;
      this._words = '';
      this._phase = null;
    }
    if (!answer) {
      return '';
    }
    if (answer.phase === 'writing') {
      const end = sentenceEnd(answer.text, this._told);
      if (end > this._told) {
        this._words = spoken(answer.text.slice(this._told, end));
        this._told = end;
      } else if (this._phase !== 'writing') {
        this._words = 'Writing';
      }
    } else if (answer.phase !== this._phase || answer.phase === 'queued') {
      this._words = this._said(answer);
    }
    this._phase = answer.phase;
    return this._words;
  }

  private _said(answer: Told): string {
    const { phase, text, position, load, problem } = answer;
    switch (phase) {
      case 'done': {
        const rest = spoken(text.slice(this._told));
        return this._told ? `${rest} The answer is complete.`.trim() : `Tether answered. ${rest}`;
      }
      case 'failed':
        return problem?.message ?? '';
      case 'interrupted':
        return INTERRUPTED;
      default:
        return phaseWords(phase, 0, position, load && { ...load, progress: 0 });
    }
  }

  private _answer: Told | null = null;
  private _phase: Answer['phase'] | null = null;
  private _told = 0;
  private _words = '';
}
