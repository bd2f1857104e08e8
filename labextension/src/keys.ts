type Key = Pick<KeyboardEvent, 'isComposing' | 'keyCode'>;

/**
 * Whether a key belongs to an input method, which chooses words by Enter and the arrows, and is left by Escape.
 *
 * 229 is what older ones send while they compose, and Safari for the key that ends it.
 */
export function composing(event: Key | { nativeEvent: Key }): boolean {
  const { isComposing, keyCode } = 'nativeEvent' in event ? event.nativeEvent : event;
  return isComposing || keyCode === 229;
}
