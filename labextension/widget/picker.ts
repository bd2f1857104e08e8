import { button, element } from './dom';
import type { Conversation, IChoices } from './state';

/** The list of models and presets, which unfolds above the question. */
export class Picker {
  readonly node = element('div', 'tw-choices');
  readonly button: HTMLButtonElement;

  constructor(private _talk: Conversation) {
    this.button = button('', 'tw-model', () => (this.node.hidden ? this.open() : this.close()));
    this.button.setAttribute('aria-haspopup', 'menu');
    this.button.setAttribute('aria-expanded', 'false');
    this.node.hidden = true;
    this.node.setAttribute('role', 'menu');
    this.node.setAttribute('aria-label', 'Model and preset');
    this.node.addEventListener('keydown', event => this._steer(event));
  }

  /** Name what the next question goes to. */
  show(): void {
    const { label = '', name, place, chosen } = this._talk.facts;
    const words = [name || 'Model', place, chosen?.preset].filter(Boolean);
    this.button.replaceChildren(
      element('span', 'tw-modelWords', words.join(' · ')),
      element('span', 'tw-arrow', '▾')
    );
    this.button.title = `Choose the model. ${label}${place ? `, ${place}` : ''}`;
  }

  open(): void {
    this.node.hidden = false;
    this.button.setAttribute('aria-expanded', 'true');
    this.node.replaceChildren(element('p', 'tw-quiet', 'Looking which models there are'));
    this._talk.send({ kind: 'models' });
  }

  close(): void {
    if (!this.node.hidden) {
      this.node.hidden = true;
      this.button.setAttribute('aria-expanded', 'false');
    }
  }

  fill({ models, presets, problem }: IChoices): void {
    if (this.node.hidden) {
      return;
    }
    const { model, preset } = this._talk.facts.chosen ?? {};
    const parts: HTMLElement[] = [];
    if (problem) {
      parts.push(element('p', 'tw-quiet', problem));
    }
    parts.push(this._choice('As set in Jupyter', '', !model, { preset }));
    for (const each of models) {
      const note = [each.place, each.problem].filter(Boolean).join(' · ');
      parts.push(
        this._choice(each.name, note, model === each.label, { model: each.label, preset })
      );
    }
    if (presets.length) {
      parts.push(element('p', 'tw-group', 'Preset'));
      parts.push(this._choice('None chosen here', '', !preset, { model }));
      for (const name of presets) {
        parts.push(this._choice(name, '', preset === name, { model, preset: name }));
      }
    }
    this.node.replaceChildren(...parts);
    (this.node.querySelector<HTMLElement>('[aria-checked=true]') ?? this._choices()[0])?.focus();
  }

  private _choice(
    name: string,
    note: string,
    chosen: boolean,
    use: { model?: string; preset?: string }
  ): HTMLButtonElement {
    const made = button('', 'tw-choice', () => {
      this._talk.send({ kind: 'use', model: use.model ?? null, preset: use.preset ?? null });
      this.close();
      this.button.focus();
    });
    made.setAttribute('role', 'menuitemradio');
    made.setAttribute('aria-checked', String(chosen));
    made.tabIndex = -1;
    made.append(
      element('span', 'tw-tick', chosen ? '✓' : ''),
      element('span', 'tw-choiceName', name),
      element('span', 'tw-quiet', note)
    );
    return made;
  }

  private _choices(): HTMLButtonElement[] {
    return [...this.node.querySelectorAll('button')];
  }

  private _steer(event: KeyboardEvent): void {
    const all = this._choices();
    const at = all.indexOf(document.activeElement as HTMLButtonElement);
    const to: Record<string, number> = {
      ArrowDown: (at + 1) % all.length,
      ArrowUp: (at - 1 + all.length) % all.length,
      Home: 0,
      End: all.length - 1
    };
    if (event.key in to) {
      all[to[event.key]]?.focus();
      event.preventDefault();
    } else if (event.key === 'Escape') {
      this.close();
      this.button.focus();
      event.stopPropagation();
    } else if (event.key === 'Tab') {
      this.close();
    }
  }
}
