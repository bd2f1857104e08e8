type Key = Pick<KeyboardEvent, 'isComposing' | 'keyCode'>;
type Press = Pick<KeyboardEvent, 'key' | 'altKey' | 'ctrlKey' | 'metaKey' | 'shiftKey'>;

/**
 * Whether a key belongs to an input method, which chooses words by Enter and the arrows, and is left by Escape.
 *
 * 229 is what older ones send while they compose, and Safari for the key that ends it.
 */
export function composing(event: Key | { nativeEvent: Key }): boolean {
  const { isComposing, keyCode } = 'nativeEvent' in event ? event.nativeEvent : event;
  return isComposing || keyCode === 229;
}

/** Whether a key sends what is written: Enter, or Shift+Enter where Enter begins a new line. */
export function sends(event: Press, withShift: boolean): boolean {
  const { key, altKey, ctrlKey, metaKey, shiftKey } = event;
  return key === 'Enter' && !altKey && (ctrlKey || metaKey || shiftKey === withShift);
}
