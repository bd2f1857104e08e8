/** What of a notebook's panel has to be known here. */
interface IHolder {
  content?: { model?: { readonly defaultKernelLanguage?: string } | null };
}

/** One word or two: what a file says here stands where a model takes it for Tether's own. */
const NAME = /^[\p{L}\p{N}+#._/-]{1,30}(?: [\p{L}\p{N}+#._/-]{1,20})?$/u;

/** The language of a notebook's kernel, as the notebook tells it; empty where it does not. */
export function languageOf(panel: IHolder): string {
  const name: unknown = panel?.content?.model?.defaultKernelLanguage;
  return typeof name === 'string' && NAME.test(name) ? name : '';
}

/** The words that tell a model of a language, after a noun; none for Python, which it expects. */
export function inLanguage(language: string): string {
  return language && !/^i?python[\d.]*$/i.test(language) ? ` in ${language}` : '';
}
