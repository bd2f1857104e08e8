import type { IAttachment } from '../chat/ask';
import type { IModelInForce } from './lists';

/** Whether a file goes to a model as a picture, and not as text. */
export function isPicture(mime: string): boolean {
  return /^image\/(png|jpeg|gif|webp)$/.test(mime);
}

/** That a model cannot see what goes along, in words; null where it can, or where nobody knows. */
export function unseenWords(
  model: IModelInForce,
  pictures: readonly Pick<IAttachment, 'name'>[]
): string | null {
  if (!pictures.length || model.sees !== false) {
    return null;
  }
  const one = pictures.length === 1;
  const what = one ? `“${pictures[0].name}”` : `the ${pictures.length} pictures`;
  return `${model.name} reads text and sees no pictures. Take ${what} away, or choose a model that sees ${one ? 'it' : 'them'}.`;
}
