import hljs from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import cpp from 'highlight.js/lib/languages/cpp';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import ini from 'highlight.js/lib/languages/ini';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import julia from 'highlight.js/lib/languages/julia';
import python from 'highlight.js/lib/languages/python';
import r from 'highlight.js/lib/languages/r';
import rust from 'highlight.js/lib/languages/rust';
import sql from 'highlight.js/lib/languages/sql';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';

import { element } from './dom';

const LANGUAGES = {
  bash, cpp, css, diff, ini, javascript, json, julia, python, r, rust, sql, xml, yaml
}; // prettier-ignore
/** Longer code is shown plainly: colouring it would hold up the page. */
const LONGEST = 50_000;

/** Builds the highlighter's output as nodes, so that no markup is ever made of a model's text. */
class Nodes {
  readonly root = document.createDocumentFragment();

  addText(text: string): void {
    this._at.append(text);
  }

  startScope(scope: string): void {
    const classes = scope
      .split('.')
      .map((part, at) => (at ? part + '_'.repeat(at) : `hljs-${part}`));
    const inner = element('span', classes.join(' '));
    this._at.append(inner);
    this._open.push(inner);
  }

  endScope(): void {
    this._open.pop();
  }

  openNode(scope: string): void {
    this.startScope(scope);
  }

  closeNode(): void {
    this.endScope();
  }

  __addSublanguage(other: Nodes): void {
    this._at.append(other.root);
  }

  finalize(): void {
    this._open = [];
  }

  toHTML(): string {
    return '';
  }

  private get _at(): Node & ParentNode {
    return this._open[this._open.length - 1] ?? this.root;
  }

  private _open: HTMLElement[] = [];
}

for (const [name, language] of Object.entries(LANGUAGES)) {
  hljs.registerLanguage(name, language);
}
hljs.registerAliases(['ts', 'tsx', 'typescript'], { languageName: 'javascript' });
hljs.registerAliases(['ipython', 'ipython3', 'python3', 'pycon'], { languageName: 'python' });
hljs.configure({ __emitter: Nodes } as object);

/** Code with its colours, where its language is known. */
export function coloured(code: string, language: string): Node {
  if (code.length > LONGEST || !hljs.getLanguage(language)) {
    return document.createTextNode(code);
  }
  const found = hljs.highlight(code, { language, ignoreIllegals: true });
  return (found as unknown as { _emitter: Nodes })._emitter.root;
}

/** A block of code that scrolls within itself, and its Copy button. */
export function codeBlock(code: string, info: string): HTMLElement {
  const language = info
    .trim()
    .split(/[\s{,:]/, 1)[0]
    .toLowerCase();
  const pre = element('pre', '', element('code', '', coloured(code, language)));
  // By keyboard it scrolls only where it takes the focus.
  pre.tabIndex = 0;
  pre.setAttribute('role', 'region');
  pre.setAttribute('aria-label', language ? `Code, ${language}` : 'Code');
  const copy = element('button', 'tw-button tw-copy', 'Copy');
  copy.type = 'button';
  const bar = element('div', 'tw-codeBar', element('span', 'tw-language', language), copy);
  return element('div', 'tw-code', bar, pre);
}
