import { closeIcon, fileIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { useSignals } from '../chat/hooks';
import { Icon } from '../icon';
import { size } from '../server/models';
import type { IContext } from '../server/request';
import { cutWords, IChip } from './chip';
import { Draft } from './draft';
import { Files, ISending } from './files';
import { short } from './gauge';
import { Preview } from './preview';
import type { IPiece } from './sheet';

interface IProps {
  draft: Draft;
  files: Files;
  preview: Preview;
  /** What the words name outright: it goes along until they say otherwise. */
  named: readonly IContext[];
  onShow: (piece: IPiece) => void;
  /** A piece that the words name is not to go along in this conversation. */
  onDismiss: (piece: IContext) => void;
  onAll: () => void;
}

/** What goes along: each can be looked at and taken away. */
export function Row(props: IProps): JSX.Element | null {
  const { draft, files, preview, named, onShow, onDismiss, onAll } = props;
  useSignals(draft.changed, files.changed, preview.changed);
  const { chips, attachments } = draft;
  if (!chips.length && !attachments.length && !files.sending.length && !named.length) {
    return null;
  }
  const items = preview.found?.items ?? [];
  const tokensOf = (kind: string, name: string) =>
    items.find(each => each.kind === kind && each.name === name)?.tokens ?? null;
  const leftOut = (kind: string, name: string) =>
    preview.found?.left_out.find(each => each.kind === kind && each.name === name)?.why ?? null;
  const missing = ({ id, name }: { id: string; name: string }) =>
    leftOut('file', name) ?? files.note(id);
  const total = items.reduce((sum, each) => sum + (each.tokens ?? 0), 0);
  return (
    <div className="tether-alongRow" role="group" aria-label="Goes along" data-testid="tether-row">
      {chips.map(chip => (
        <Chip
          key={chip.key}
          label={labelOf(chip)}
          tokens={tokensOf(chip.kind, chip.name)}
          note={leftOut(chip.kind, chip.name) ?? cutWords(chip)}
          warn={leftOut(chip.kind, chip.name) !== null}
          onShow={() =>
            onShow({
              kind: chip.kind,
              name: chip.name,
              text: chip.text,
              note: leftOut(chip.kind, chip.name) ?? cutWords(chip)
            })
          }
          onRemove={() => draft.remove(chip.key)}
        />
      ))}
      {named.map(each => (
        <Chip
          key={`${each.kind} ${each.name}`}
          label={each.name}
          tokens={tokensOf(each.kind, each.name)}
          note="Named in your words"
          isNamed
          onRemove={() => onDismiss(each)}
          onShow={() =>
            onShow({
              kind: each.kind,
              name: each.name,
              text: each.text ?? null,
              note: 'It goes along because your words name it.'
            })
          }
        />
      ))}
      {attachments.map(each => (
        <Chip
          key={each.id}
          label={each.name}
          picture={files.picture(each.id)}
          isFile
          tokens={tokensOf('file', each.name)}
          note={missing(each) ?? size(each.size)}
          warn={missing(each) !== null}
          onShow={() => onShow({ kind: 'file', name: each.name, text: null, note: missing(each) })}
          onRemove={() => files.remove(each.id)}
        />
      ))}
      {files.sending.map(each => (
        <Sending key={each.key} item={each} onDrop={() => files.drop(each)} />
      ))}
      {chips.length + attachments.length > 0 && (
        <button
          type="button"
          className="tether-rowTotal"
          data-testid="tether-rowTotal"
          aria-label={`What leaves this machine${preview.found ? `, ${total.toLocaleString('en')} tokens of context` : ''}`}
          title="What leaves this machine"
          onClick={onAll}
        >
          {preview.looking ? '…' : preview.found ? short(total) : '?'}
          <span className="tether-rowUnit"> tokens</span>
        </button>
      )}
    </div>
  );
}

interface IChipProps {
  label: string;
  tokens: number | null;
  note: string | null;
  warn?: boolean;
  picture?: string | null;
  isFile?: boolean;
  /** It goes along because the words name it: nobody has chosen it. */
  isNamed?: boolean;
  onShow: () => void;
  onRemove?: () => void;
}

function Chip(props: IChipProps): JSX.Element {
  const { label, tokens, note, warn, picture, isFile, isNamed, onShow, onRemove } = props;
  const away = isNamed ? 'Leave out of this conversation' : 'Take away';
  const count = tokens === null ? '' : `${tokens.toLocaleString('en')} tokens`;
  return (
    <span
      className={`tether-chip${warn ? ' tether-mod-warn' : ''}${isNamed ? ' tether-mod-named' : ''}`}
      data-testid="tether-chip"
      title={[count, note].filter(Boolean).join(' · ')}
    >
      <button
        type="button"
        className="tether-chipShow"
        aria-label={[`Show ${label}`, count, note].filter(Boolean).join(', ')}
        onClick={onShow}
        onKeyDown={event => {
          if (onRemove && (event.key === 'Delete' || event.key === 'Backspace')) {
            event.preventDefault();
            onRemove();
          }
        }}
      >
        {picture ? (
          <img className="tether-thumb" src={picture} alt="" />
        ) : (
          isFile && <Icon icon={fileIcon} size={12} />
        )}
        <span className="tether-chipLabel">{label}</span>
        {tokens !== null && <span className="tether-chipTokens">{short(tokens)}</span>}
      </button>
      {onRemove && (
        <button
          type="button"
          className="tether-chipRemove"
          aria-label={isNamed ? `Leave ${label} out of this conversation` : `Take ${label} away`}
          title={away}
          onClick={onRemove}
        >
          <Icon icon={closeIcon} size={12} />
        </button>
      )}
    </span>
  );
}

function Sending({ item, onDrop }: { item: ISending; onDrop: () => void }): JSX.Element {
  const failed = item.problem !== null;
  return (
    <span
      className={`tether-chip tether-mod-sending${failed ? ' tether-mod-failed' : ''}`}
      data-testid="tether-sending"
    >
      <span className="tether-chipShow" role={failed ? 'alert' : undefined}>
        {item.picture ? (
          <img className="tether-thumb" src={item.picture} alt="" />
        ) : (
          <Icon icon={fileIcon} size={12} />
        )}
        <span className="tether-chipLabel">
          {item.name}
          {failed && <span className="tether-chipProblem">: {item.problem}</span>}
        </span>
        {!failed && (
          <progress
            className="tether-progress"
            aria-label={`Sending ${item.name}`}
            max={1}
            value={item.share ?? undefined}
          />
        )}
      </span>
      <button
        type="button"
        className="tether-chipRemove"
        aria-label={failed ? `Put away ${item.name}` : `Give up ${item.name}`}
        title={failed ? 'Put away' : 'Give up'}
        onClick={onDrop}
      >
        <Icon icon={closeIcon} size={12} />
      </button>
    </span>
  );
}

function labelOf(chip: IChip): string {
  return chip.name || chip.kind;
}
