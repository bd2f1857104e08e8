import type { Drag } from '@lumino/dragdrop';
import React from 'react';

import { textChip } from './chip';
import { Draft } from './draft';
import { Files } from './files';

const CELLS = 'application/vnd.jupyter.cells';
const PATHS = 'application/x-jupyter-icontents';

interface ICellJson {
  source?: string | string[];
}

/** Let files, cells, and files of Lab's file browser be dropped on an element. Returns whether one is above it. */
export function useDrop(
  root: React.RefObject<HTMLElement>,
  draft: Draft,
  files: Files
): { over: boolean; handlers: React.HTMLAttributes<HTMLElement> } {
  const [over, setOver] = React.useState(false);
  React.useEffect(() => {
    const node = root.current;
    // Lumino's own drags are not the browser's: they come as events of their own.
    const drag = (event: Event) => {
      const { mimeData, proposedAction } = event as Drag.Event;
      if (!mimeData.hasData(CELLS) && !mimeData.hasData(PATHS)) {
        return;
      }
      event.preventDefault();
      event.stopPropagation();
      if (event.type === 'lm-dragover') {
        (event as Drag.Event).dropAction = proposedAction;
      }
      setOver(event.type === 'lm-dragenter' || event.type === 'lm-dragover');
      if (event.type === 'lm-drop') {
        // A cell that is "moved" here stays where it is.
        (event as Drag.Event).dropAction = 'copy';
        for (const path of (mimeData.getData(PATHS) as string[] | undefined) ?? []) {
          files.addPath(path);
        }
        ((mimeData.getData(CELLS) as ICellJson[] | undefined) ?? []).forEach((cell, at) => {
          const source = ([] as string[]).concat(cell.source ?? '').join('');
          if (source.trim()) {
            draft.add(textChip('cell', `dropped cell${at ? ` ${at + 1}` : ''}`, source));
          }
        });
      }
    };
    const kinds = ['lm-dragenter', 'lm-dragover', 'lm-dragleave', 'lm-drop'];
    kinds.forEach(kind => node?.addEventListener(kind, drag));
    return () => kinds.forEach(kind => node?.removeEventListener(kind, drag));
  }, [draft, files]);
  const holds = (event: React.DragEvent) => event.dataTransfer.types.includes('Files');
  return {
    over,
    handlers: {
      onDragOver: event => {
        if (holds(event)) {
          event.preventDefault();
          event.dataTransfer.dropEffect = 'copy';
          setOver(true);
        }
      },
      onDragLeave: event => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) {
          setOver(false);
        }
      },
      onDrop: event => {
        if (holds(event)) {
          event.preventDefault();
          event.stopPropagation();
          setOver(false);
          files.add([...event.dataTransfer.files]);
        }
      }
    }
  };
}
