import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/server/inert.js';

const { inert, isSafeLink, isUnsafeMath } = module;

function becomes(markdown, expected) {
  test(`${JSON.stringify(markdown)} becomes ${JSON.stringify(expected)}`, () => {
    assert.equal(inert(markdown), expected);
  });
}

function stays(markdown) {
  test(`${JSON.stringify(markdown)} stays`, () => {
    assert.equal(inert(markdown), markdown);
  });
}

// Images become links that somebody has to click.
becomes('![a cat](https://x.org/c.png)', '[image: a cat](https://x.org/c.png)');
becomes('![](https://x.org/c.png)', '[image](https://x.org/c.png)');
becomes('![a cat][ref]', '[image: a cat][ref]');
becomes('![ref]', '[image: ref]');
becomes('![a\ncat](https://x.org)', '[image: a\ncat](https://x.org)');
becomes(
  '[![badge](https://x.org/b.svg)](https://x.org)',
  '[[image: badge](https://x.org/b.svg)](https://x.org)'
);
becomes('\\\\![a](https://x.org)', '\\\\[image: a](https://x.org)');
stays('\\![a](https://x.org)');
stays('wow! [a](https://x.org)');

// Markup is text.
becomes('<img src="https://x.org">', '&lt;img src="https://x.org">');
becomes('</div><!-- x --><?php <b>', '&lt;/div>&lt;!-- x -->&lt;?php &lt;b>');
becomes('&#60;img src=x&#62; &#x3c;b', '&amp;#60;img src=x&amp;#62; &amp;#x3c;b');
becomes('&bsol;style &dollar;', '&amp;bsol;style &amp;dollar;');
stays('&lt;b&gt; R&D a &amp; b&nbsp;c');
stays('1 < 2 and a <- b');
stays('<https://x.org/a?b=c>');
becomes('<javascript:alert(1)>', '&lt;javascript:alert(1)>');

// Links keep http, https and mailto.
stays('[a](https://x.org) [b](mailto:a@x.org) [c](http://x.org "title")');
becomes('[a](javascript:alert)', '[a](#)');
becomes('[a](<data:text/html,x>)', '[a](&lt;data:text/html,x>)');
becomes('[a]( vbscript:x)', '[a]( #)');

// Code is as it was written.
stays('`<b>` and ``![a](b) ` c``');
stays('```html\n<img src="x">\n![a](b)\n```\n');
stays('~~~\n<b>\n```\n<i>\n~~~\n');
stays('1. one\n   ```html\n   <b>\n   ```\n');
stays('````\n```\n<b>\n```\n````\n');
stays('    <b>indented\n');
becomes('```\n<b>\n```\n<b>', '```\n<b>\n```\n&lt;b>');
becomes('a ` <b>\n\nc ` d', 'a ` &lt;b>\n\nc ` d');
becomes('``` `x` <b>', '``` `x` &lt;b>');
becomes('```mermaid\ngraph TD\n```', '```diagram\ngraph TD\n```');

// An open fence, as in the middle of a stream, is code to its end.
stays('text\n\n```html\n<img src=');

// TeX sees a comparison, the browser no tag.
becomes('$a<b$ and $$x<y$$', '$a< b$ and $$x< y$$');
// Lab knows TeX between dollars only.
becomes('\\(a<b\\) and \\[ x^2 \\]', '$a< b$ and $$x^2$$');
becomes('\\[<b> ![a](b)\\]', '\\[&lt;b> [image: a](b)\\]');
stays('\\[1\\] and \\(\\)');
becomes('costs $5 <b>', 'costs $5 &lt;b>');

// What cannot be seen is left out.
becomes('a\u202Eb\u{E0041}c\u2066d', 'abcd');

test('a safe link is http, https or mailto, however it is written', () => {
  for (const url of ['https://x.org', 'HTTP://x.org/a', 'mailto:a@x.org']) {
    assert.ok(isSafeLink(url), url);
  }
  for (const url of [
    'javascript:x',
    ' javascript:x',
    'java\tscript:x',
    'data:,x',
    '/lab',
    '#a',
    ''
  ]) {
    assert.ok(!isSafeLink(url), url);
  }
});

test('math that could style or load is not typeset, other math is', () => {
  for (const math of [
    '\\style{a}{b}',
    '\\bbox[x]{y}',
    '\\href{x}{y}',
    '\\require{html}',
    '\\mmlToken{mi}'
  ]) {
    assert.ok(isUnsafeMath(math), math);
  }
  for (const math of [
    '\\frac{a}{b}',
    '\\styles',
    '\\textstyle x',
    '\\displaystyle',
    '\\sum_i x_i'
  ]) {
    assert.ok(!isUnsafeMath(math), math);
  }
});

test('a long text of opening marks is read in a moment', () => {
  for (const mark of [
    '`',
    '$',
    '![',
    '<',
    '``` ',
    '$$x',
    '](a:',
    '&#',
    '\\',
    '` $ ',
    '\\(',
    '\\[ '
  ]) {
    const started = performance.now();
    inert(mark.repeat(5000));
    assert.ok(performance.now() - started < 1000, mark);
  }
});
