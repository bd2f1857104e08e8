import { showPopup } from '@jupyterlab/statusbar';

import { HealthWatch } from './healthWatch';
import { StatusItem } from './statusItem';
import { IStatusActions, makePopup } from './statusPopup';

type Actions = Omit<IStatusActions, 'close'> & { closed: () => void };

/** Open the popup over the item, and return what closes it. The focus then goes back where it came from. */
export function showStatus(watch: HealthWatch, item: StatusItem, actions: Actions): () => void {
  const close = () => popup.dispose();
  const body = makePopup(watch, { ...actions, close });
  const popup = showPopup({ body, anchor: item, align: 'right', hasDynamicSize: true });
  // The popup forgets who opened it, and Escape would leave the focus nowhere.
  const within = (event: FocusEvent) => {
    inside = body.node.contains(event.target as Node);
  };
  let inside = true;
  document.addEventListener('focusin', within);
  item.expanded = true;
  watch.close = true;
  popup.disposed.connect(() => {
    document.removeEventListener('focusin', within);
    item.expanded = false;
    watch.close = false;
    actions.closed();
    if (inside) {
      item.focus();
    }
  });
  return close;
}
