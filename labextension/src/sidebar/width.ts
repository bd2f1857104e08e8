import { IStateDB } from '@jupyterlab/statedb';
import { SplitPanel, Widget } from '@lumino/widgets';

/** Wide enough to read code. */
const FIRST_WIDTH = 420;

/** The rest of the window keeps at least this share. */
const REST = 0.4;

const KEY = '@tether/jupyterlab:width';

/** Opens a side panel at the width its user gave it, and the first time wide enough to read code. */
export class PanelWidth {
  constructor(
    private _panel: Widget,
    private _state: IStateDB | null
  ) {}

  /** Widen the panel's column to the remembered width. Call when the panel has been shown. */
  async restore(): Promise<void> {
    const wanted = await this._remembered();
    // The shell lays the column out after it has shown the panel.
    await frames(2);
    const column = columnOf(this._panel);
    if (!column || !this._panel.isVisible) {
      return;
    }
    if (this._followed !== column.split) {
      this._followed = column.split;
      column.split.handleMoved.connect(this._remember, this);
    }
    const frame =
      column.split.widgets[column.index].node.offsetWidth - this._panel.node.offsetWidth;
    setWidth(column, wanted + frame);
  }

  private _remember(): void {
    const column = this._panel.isVisible ? columnOf(this._panel) : null;
    if (column) {
      this._wanted = this._panel.node.offsetWidth;
      void this._state?.save(KEY, { width: this._wanted });
    }
  }

  private async _remembered(): Promise<number> {
    if (this._wanted === null) {
      const saved = (await this._state?.fetch(KEY)) as { width?: number } | undefined;
      this._wanted = saved?.width ?? FIRST_WIDTH;
    }
    return this._wanted;
  }

  private _wanted: number | null = null;
  private _followed: SplitPanel | null = null;
}

interface IColumn {
  split: SplitPanel;
  index: number;
}

/** The split panel that gives the panel its width; each shell nests it differently. */
function columnOf(panel: Widget): IColumn | null {
  let child: Widget = panel;
  for (let parent = panel.parent; parent; parent = parent.parent) {
    if (parent instanceof SplitPanel && parent.orientation === 'horizontal') {
      return { split: parent, index: parent.widgets.indexOf(child) };
    }
    child = parent;
  }
  return null;
}

function setWidth({ split, index }: IColumn, wanted: number): void {
  const widths = split.widgets.map(each => (each.isVisible ? each.node.offsetWidth : 0));
  const total = widths.reduce((a, b) => a + b, 0);
  const width = Math.min(wanted, total * (1 - REST));
  const missing = width - widths[index];
  if (missing <= 1) {
    return;
  }
  // The widest other column is the documents'.
  const others = widths.map((each, i) => (i === index ? -1 : each));
  const widest = others.indexOf(Math.max(...others));
  widths[index] = width;
  widths[widest] -= missing;
  split.setRelativeSizes(widths);
}

async function frames(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await new Promise(resolve => requestAnimationFrame(resolve));
  }
}
