import { ChatView } from './view';
import type { IModel } from './state';

interface IPlace {
  model: IModel;
  el: HTMLElement;
}

function render({ model, el }: IPlace): () => void {
  const node = document.createElement('section');
  el.append(node);
  const view = new ChatView(model, node);
  return () => view.dispose();
}

/** What anywidget calls for each view of the widget. */
export default { render };
