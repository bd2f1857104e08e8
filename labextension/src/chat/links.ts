import { Clipboard, Dialog, showDialog } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';

import { leadsToImage, showImage } from './pictures';

/**
 * Have links within `root` ask before they lead away. A link in an answer was written by a model, or by whoever wrote
 * what the model read: its reader sees the whole address first.
 */
export function guardLinks(root: HTMLElement): () => void {
  const onClick = (event: MouseEvent) => {
    const link = (event.target as Element).closest?.('a[href]');
    if (link instanceof HTMLAnchorElement && root.contains(link) && event.button < 2) {
      event.preventDefault();
      event.stopPropagation();
      void follow(link);
    }
  };
  root.addEventListener('click', onClick, true);
  root.addEventListener('auxclick', onClick, true);
  return () => {
    root.removeEventListener('click', onClick, true);
    root.removeEventListener('auxclick', onClick, true);
  };
}

async function follow(link: HTMLAnchorElement): Promise<void> {
  const address = link.href;
  const image = leadsToImage(link);
  const body = new Widget();
  body.addClass('tether-address');
  body.node.textContent = address;
  const result = await showDialog({
    title: image ? 'Load this image?' : 'Open this address?',
    body,
    buttons: [
      Dialog.cancelButton(),
      Dialog.createButton({ label: 'Copy', actions: ['copy'] }),
      Dialog.okButton({ label: 'Open' }),
      ...(image ? [Dialog.okButton({ label: 'Show it here', actions: ['show'] })] : [])
    ],
    // Enter must not open what somebody else wrote.
    defaultButton: 0
  });
  if (result.button.actions.includes('copy')) {
    Clipboard.copyToSystem(address);
  } else if (result.button.actions.includes('show')) {
    showImage(link);
  } else if (result.button.accept) {
    window.open(address, '_blank', 'noopener,noreferrer');
  }
}
