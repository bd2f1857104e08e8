import { MainAreaWidget, ReactWidget } from '@jupyterlab/apputils';
import { Message } from '@lumino/messaging';
import React from 'react';

import { keepFocus } from '../chat/focus';
import { useSignals } from '../chat/hooks';
import { tetherIcon } from '../icons';
import { Asked } from './asked';
import { AskedWith } from './askedWith';
import { Catalog, SERVERS } from './catalog';
import { ModelList } from './list';
import { Presets } from './presets';
import { PullField } from './pullField';
import { Pulls } from './pulls';

export interface IModelsPage {
  catalog: Catalog;
  pulls: Pulls;
}

/** The page of the models, in the main area. */
export function makePage({ catalog, pulls }: IModelsPage): MainAreaWidget {
  const content = new Content(catalog, pulls);
  const page = new MainAreaWidget({ content });
  page.id = 'tether-models';
  page.title.label = 'Models';
  page.title.caption = 'The models that Tether asks';
  page.title.icon = tetherIcon;
  page.title.closable = true;
  page.toolbar.hide();
  return page;
}

class Content extends ReactWidget {
  constructor(
    private _catalog: Catalog,
    private _pulls: Pulls
  ) {
    super();
    this._asked = new Asked(_catalog.server);
    this.addClass('tether-Models');
    this.node.tabIndex = -1;
    keepFocus(this.node, () => this.node.querySelector<HTMLElement>('button:enabled'));
  }

  dispose(): void {
    this._look(false);
    super.dispose();
  }

  protected onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    this._look(this.isVisible);
  }

  protected onAfterShow(): void {
    this._look(true);
  }

  protected onAfterHide(): void {
    this._look(false);
  }

  protected onActivateRequest(): void {
    this.node.focus();
  }

  protected render(): JSX.Element {
    return <Page catalog={this._catalog} pulls={this._pulls} asked={this._asked} />;
  }

  /** A page that nobody sees asks for nothing. */
  private _look(seen: boolean): void {
    if (seen === this._seen) {
      return;
    }
    this._seen = seen;
    if (seen) {
      this._catalog.watch();
      void this._asked.refresh();
    } else {
      this._catalog.unwatch();
    }
  }

  private _asked: Asked;
  private _seen = false;
}

interface IProps extends IModelsPage {
  asked: Asked;
}

function Page({ catalog, pulls, asked }: IProps): JSX.Element {
  useSignals(catalog.changed, asked.changed);
  const [told, setTold] = React.useState('');
  React.useEffect(() => {
    const hear = (_: unknown, words: string) => setTold(words);
    // Which model answers is one of the values that the presets and the settings hold.
    const values = () => void asked.refresh();
    const models = () => void catalog.refresh();
    catalog.told.connect(hear);
    catalog.told.connect(values);
    asked.told.connect(hear);
    asked.told.connect(models);
    return () => {
      catalog.told.disconnect(hear);
      catalog.told.disconnect(values);
      asked.told.disconnect(hear);
      asked.told.disconnect(models);
    };
  }, [catalog, asked]);
  return (
    <div className="tether-modelsBody">
      <div className="tether-modelsHead">
        <h1>Models</h1>
        <button
          type="button"
          className="tether-button"
          onClick={() => {
            void catalog.refresh();
            void asked.refresh();
          }}
        >
          Look again
        </button>
      </div>
      <p className="tether-modelsTold" role="status" data-testid="tether-models-told">
        {told}
      </p>
      <Trouble catalog={catalog} />
      <Answering catalog={catalog} preset={asked.active?.name ?? null} />
      <PullField pulls={pulls} />
      <ModelList catalog={catalog} pulls={pulls} />
      <AskedWith asked={asked} />
      <Presets asked={asked} />
    </div>
  );
}

/** Why the list is not whole, in words. */
function Trouble({ catalog }: { catalog: Catalog }): JSX.Element | null {
  const { failure, problem } = catalog;
  if (!failure && !problem) {
    return null;
  }
  return (
    <div className="tether-modelsTrouble" role="alert" data-testid="tether-models-trouble">
      <p>{failure ? failure.message : problem}</p>
      {failure && catalog.models && <p>The list is as it was before.</p>}
      {failure?.hint && !catalog.models && <p>Look again when the Jupyter server runs.</p>}
    </div>
  );
}

/** Which model answers, in one line, and the way back to the server's. */
function Answering({
  catalog,
  preset
}: {
  catalog: Catalog;
  preset: string | null;
}): JSX.Element | null {
  const { answering, chosen, layer, models } = catalog;
  if (!models) {
    return null;
  }
  const name = answering?.name ?? chosen;
  const own = layer === 'client settings';
  const failure = catalog.failures.get(SERVERS);
  const why = own
    ? 'chosen here'
    : layer === 'preset'
      ? `chosen by the preset ${preset ?? ''}`.trim()
      : 'as the server is set';
  return (
    <section className="tether-answering" aria-label="The model that answers">
      {name ? (
        <p data-testid="tether-answering">
          Questions go to <strong>{name}</strong>
          {answering && <> · {answering.place}</>} · {why}.
        </p>
      ) : (
        <p data-testid="tether-answering">No model is set. Use one of these, or fetch one.</p>
      )}
      {own && (
        <button type="button" className="tether-link" onClick={() => void catalog.useServers()}>
          Follow the server again
        </button>
      )}
      {failure && <p className="tether-problem">{failure.message}</p>}
      {layer === 'preset' && (
        <p className="tether-quiet">
          A model that you use here counts when that preset is not active.
        </p>
      )}
    </section>
  );
}
