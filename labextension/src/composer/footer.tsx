import {
  caretDownEmptyIcon,
  ellipsesIcon,
  fileUploadIcon,
  stopIcon
} from '@jupyterlab/ui-components';
import React from 'react';

import { Icon } from '../icon';
import { Menu } from './choosing';
import { IFullness } from './gauge';
import { IModelInForce, SEE_LABEL } from './lists';
import { Draft } from './draft';

interface IProps {
  draft: Draft;
  model: IModelInForce | null;
  full: IFullness | null;
  busy: boolean;
  canSend: boolean;
  sendTitle: string;
  /** How much room there is: `narrow` keeps the model and Send alone. */
  width: 'narrow' | 'normal' | 'wide';
  open: Menu | null;
  onMenu: (menu: Menu) => void;
  onAttach: () => void;
  onAll: () => void;
  onSend: () => void;
  onStop: () => void;
}

/** Under the field: which model, where it runs, how full its window is, and Send that becomes Stop. */
export function Footer(props: IProps): JSX.Element {
  const { draft, model, full, width, open, onMenu } = props;
  const wide = width === 'wide';
  const see = draft.options.see?.level;
  return (
    <div className={`tether-foot tether-mod-${width}`}>
      <button
        type="button"
        className="tether-pick tether-badge"
        data-testid="tether-badge"
        data-menu="model"
        aria-haspopup="menu"
        aria-expanded={open === 'model'}
        aria-label={`Model: ${model ? [model.name, model.place].filter(Boolean).join(', ') : 'unknown'}`}
        title={
          model ? `${model.id || model.name}${model.place ? ` · ${model.place}` : ''}` : 'Model'
        }
        onClick={() => onMenu('model')}
      >
        <span className="tether-badgeModel">{model?.name ?? 'Model'}</span>
        {model?.place && <span className="tether-badgePlace"> · {model.place}</span>}
        <Icon icon={caretDownEmptyIcon} size={12} className="tether-menuCaret" />
      </button>
      {wide && (
        <>
          <Pick
            menu="preset"
            label={draft.options.preset ?? 'Preset'}
            name="Preset"
            open={open}
            onMenu={onMenu}
          />
          <Pick
            menu="see"
            label={see ? SEE_LABEL[see] : 'May see'}
            name="How much of the data may be seen"
            open={open}
            onMenu={onMenu}
          />
          <Pick menu="prompts" label="Prompts" name="Prompts" open={open} onMenu={onMenu} />
        </>
      )}
      <span className="tether-footGap" />
      {(full || wide) && <Gauge full={full} onAll={props.onAll} narrow={width === 'narrow'} />}
      {wide && (
        <button
          type="button"
          className="tether-iconButton"
          aria-label="Attach a file"
          title="Attach a file"
          data-testid="tether-attach"
          onClick={props.onAttach}
        >
          <Icon icon={fileUploadIcon} size={16} />
        </button>
      )}
      {!wide && (
        <button
          type="button"
          className="tether-iconButton"
          aria-label="More for this question"
          title="Attach, prompts, preset, what may be seen"
          aria-haspopup="menu"
          aria-expanded={open !== null && open !== 'model'}
          data-testid="tether-composerMore"
          data-menu="more"
          onClick={() => onMenu('more')}
        >
          <Icon icon={ellipsesIcon} size={16} />
        </button>
      )}
      {props.busy ? (
        // Not the same node as Send: else the press that stops would send when it is released.
        <button
          key="stop"
          type="button"
          className="tether-button tether-stop"
          data-testid="tether-stop"
          title="Stop answering (Esc)"
          // At the press of a mouse: its release comes a tenth of a second later.
          onPointerDown={event => isMouse(event) && event.button === 0 && props.onStop()}
          // The focus stays with who types.
          onMouseDown={event => event.preventDefault()}
          onClick={event => isMouse(event) || props.onStop()}
        >
          <Icon icon={stopIcon} size={14} />
          Stop
        </button>
      ) : (
        <button
          key="send"
          type="button"
          className="tether-button tether-mod-accept tether-send jp-mod-accept"
          data-testid="tether-send"
          title={props.sendTitle}
          disabled={!props.canSend}
          // The second click of two on Stop must not send what is being written.
          onClick={event => event.detail > 1 || props.onSend()}
        >
          Send
        </button>
      )}
    </div>
  );
}

/** Whether a mouse did this; a click by the keyboard, or by a script, has no pointer. */
function isMouse(event: { nativeEvent: MouseEvent }): boolean {
  return (event.nativeEvent as PointerEvent).pointerType === 'mouse';
}

interface IPickProps {
  menu: Menu;
  label: string;
  name: string;
  open: Menu | null;
  onMenu: (menu: Menu) => void;
}

function Pick({ menu, label, name, open, onMenu }: IPickProps): JSX.Element {
  return (
    <button
      type="button"
      className="tether-pick"
      data-testid={`tether-pick-${menu}`}
      data-menu={menu}
      aria-haspopup="menu"
      aria-expanded={open === menu}
      aria-label={label === name ? name : `${name}: ${label}`}
      title={name}
      onClick={() => onMenu(menu)}
    >
      <span className="tether-pickLabel">{label}</span>
      <Icon icon={caretDownEmptyIcon} size={12} className="tether-menuCaret" />
    </button>
  );
}

interface IGaugeProps {
  full: IFullness | null;
  narrow: boolean;
  onAll: () => void;
}

function Gauge({ full, narrow, onAll }: IGaugeProps): JSX.Element {
  const words = full ? full.words : 'How full the window is, is told after the first answer.';
  return (
    <button
      type="button"
      className={`tether-gauge tether-mod-${full?.state ?? 'low'}`}
      data-testid="tether-gauge"
      aria-label={`What leaves this machine. ${words}`}
      title={`${words} Show what leaves this machine.`}
      onClick={onAll}
    >
      {full && !narrow && (
        <span className="tether-gaugeBar" aria-hidden="true">
          <span style={{ width: `${Math.min(full.percent, 100)}%` }} />
        </span>
      )}
      <span>{full ? `${full.percent} %` : 'What leaves'}</span>
    </button>
  );
}
