import React from 'react';

import { ISuggestion, suggestions } from '../notebook/read';
import { Question } from './answer';
import { useSignals } from './hooks';
import { TetherChatModel } from './model';
import { Rooms } from './rooms';

interface IProps {
  rooms: Rooms;
  model: TetherChatModel;
}

/** An empty conversation: three things that can be asked of this notebook. */
export function Suggestions({ rooms, model }: IProps): JSX.Element | null {
  useSignals(
    model.messagesUpdated,
    model.stateChanged,
    rooms.open.activeCellChanged,
    rooms.open.ran
  );
  if (model.messages.length) {
    return null;
  }
  const ask = (each: ISuggestion) => {
    void model.ask(new Question(each.question, each.context));
    model.input.focus();
  };
  return (
    <div className="tether-empty" data-testid="tether-empty">
      {model.trouble && <p className="tether-trouble">{model.trouble}</p>}
      <p id="tether-emptyTitle">Ask about this notebook, or begin with one of these:</p>
      <ul aria-labelledby="tether-emptyTitle">
        {suggestions(rooms.open.panel).map(each => (
          <li key={each.label}>
            <button
              type="button"
              className="tether-suggestion"
              data-testid="tether-suggestion"
              title={each.question}
              onClick={() => ask(each)}
            >
              {each.label}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
