import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import React from 'react';

import { IPreview, wordsOf } from '../server/preview';
import type { IProblem } from '../server/events';
import { overflow } from './gauge';
import { sectionsOf } from './schema';

const ROLE: Record<string, string> = {
  system: 'Instructions',
  user: 'You',
  assistant: 'Answer'
};

/** Show everything exactly as it would be sent, and where to. */
export async function showAll(
  found: IPreview | null,
  problem: IProblem | null,
  words: boolean
): Promise<void> {
  const leaves = found?.to.leaves;
  await show(
    found && !leaves ? 'What would be sent' : 'What leaves this machine',
    found ? <Whole found={found} words={words} /> : <Failed problem={problem} />
  );
}

/** Something that goes along, to be looked at. */
export interface IPiece {
  kind: string;
  name: string;
  text: string | null;
  note: string | null;
}

/** Show the exact text of one piece. */
export async function showPiece(
  piece: IPiece,
  found: IPreview | null,
  problem: IProblem | null
): Promise<void> {
  const sent = found?.messages
    .flatMap(each => sectionsOf(wordsOf(each.content)))
    .find(each => each.kind === piece.kind && each.name === piece.name);
  const text = sent?.text ?? piece.text;
  await show(
    piece.name,
    <div className="tether-sheet">
      <p>
        {text === null
          ? 'Nothing of it would be sent as text.'
          : sent
            ? 'The model reads exactly this:'
            : 'This goes along, with secrets masked:'}
      </p>
      {piece.note && <p className="tether-sheetNote">{piece.note}</p>}
      {text === null && problem && <p className="tether-sheetNote">{problem.message}</p>}
      {text !== null && (
        <pre tabIndex={0} aria-label={piece.name}>
          {text}
        </pre>
      )}
    </div>
  );
}

function Failed({ problem }: { problem: IProblem | null }): JSX.Element {
  return (
    <div className="tether-sheet">
      <p>{problem?.message ?? 'What would be sent could not be found out.'}</p>
      {problem?.hint && <p>{problem.hint}</p>}
    </div>
  );
}

function Whole({ found, words }: { found: IPreview; words: boolean }): JSX.Element {
  const { to, masked, items, left_out: left, window, tokens } = found;
  const over = overflow(found);
  const count = (n: number) => `${n.toLocaleString('en')} ${n === 1 ? 'token' : 'tokens'}`;
  return (
    <div className="tether-sheet" data-testid="tether-sheet">
      <p>
        <strong>{to.model || to.backend}</strong> at <strong>{to.place}</strong>.{' '}
        {to.leaves ? 'It leaves this machine.' : 'It stays on this machine.'} Nothing has been sent
        yet.
      </p>
      <p>
        {count(tokens)}
        {window ? ` of the ${window.toLocaleString('en')} that the model can take` : ''}. Of your
        variables it may see: {found.level}.
      </p>
      {over && <p>{over}</p>}
      <p>
        {masked.length
          ? `Masked, because it looks secret: ${masked.map(each => `${each.count} × ${each.kind}`).join(', ')}.`
          : 'Nothing in it looked like a secret.'}
      </p>
      {items.length > 0 && (
        <table>
          <caption>Goes along</caption>
          <tbody>
            {items.map((each, at) => (
              <tr key={at}>
                <td>{each.kind}</td>
                <td>{each.name}</td>
                <td>{each.tokens === null ? '' : count(each.tokens)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {left.length > 0 && (
        <table>
          <caption>Left out</caption>
          <tbody>
            {left.map((each, at) => (
              <tr key={at}>
                <td>{each.kind}</td>
                <td>{each.name}</td>
                <td>{each.why}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {!words && <p>No words are typed yet: “…” stands in their place.</p>}
      {found.messages.map((message, at) => (
        <section key={at}>
          <h3>{ROLE[message.role] ?? message.role}</h3>
          <pre tabIndex={0} aria-label={ROLE[message.role] ?? message.role}>
            {wordsOf(message.content)}
          </pre>
        </section>
      ))}
    </div>
  );
}

async function show(title: string, body: JSX.Element): Promise<void> {
  const widget = ReactWidget.create(body);
  widget.addClass('tether-sheetBody');
  const dialog = new Dialog({
    title,
    body: widget,
    buttons: [Dialog.okButton({ label: 'Close' })],
    hasClose: true
  });
  await dialog.launch();
}
