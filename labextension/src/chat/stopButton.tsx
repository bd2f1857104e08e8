import { InputToolbarRegistry } from '@jupyter/chat';
import { stopIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { useSignals } from './hooks';
import { TetherChatModel } from './model';

/** Send, which is Stop while an answer is under way. */
export function SendOrStop(props: InputToolbarRegistry.IToolbarItemProps): JSX.Element {
  const model = props.chatModel as TetherChatModel;
  useSignals(model.stateChanged, props.model.valueChanged, model.configChanged);
  if (model.busy) {
    return (
      <button
        type="button"
        className="tether-button tether-stop"
        data-testid="tether-stop"
        title="Stop answering (Esc)"
        onClick={() => void model.stop()}
      >
        <stopIcon.react tag="span" width="14px" height="14px" />
        Stop
      </button>
    );
  }
  const keys = model.config.sendWithShiftEnter ? 'Shift+Enter' : 'Enter';
  return (
    <button
      type="button"
      className="tether-button tether-send jp-mod-accept"
      data-testid="tether-send"
      title={`Send (${keys})`}
      disabled={!props.model.value.trim()}
      onClick={() => {
        props.model.send(props.model.value);
        props.model.focus();
      }}
    >
      Send
    </button>
  );
}
