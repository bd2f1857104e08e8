/** A page that is not seen may draw nothing: after so long it is not waited for, ms. */
const LATE_MS = 50;

/** Call back when what the page holds now has been drawn; at once where nothing is drawn. */
export function onceDrawn(then: () => void): void {
  if (typeof document === 'undefined' || document.hidden) {
    then();
    return;
  }
  let done = false;
  const end = () => {
    if (!done) {
      done = true;
      clearTimeout(late);
      then();
    }
  };
  const late = setTimeout(end, LATE_MS);
  // A timer set in a frame may fire before the screen shows it, and takes the processor from what draws it.
  requestAnimationFrame(() => requestAnimationFrame(end));
}
