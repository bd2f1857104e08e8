import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/server/diagram.js';

const { isSafeDiagram } = module;

test('plain diagrams are drawn', () => {
  for (const source of [
    'graph TD\n  A[Read] --> B{Clean?}\n  B -- yes --> C(Plot)',
    '%% what happens\nflowchart LR\n  a --> b',
    'sequenceDiagram\n  Ann->>Ben: 1 < 2, is it?\n  Ben-->>Ann: yes',
    'pie title Rows\n  "kept" : 90\n  "dropped" : 10',
    'classDiagram\n  Model <|-- Local',
    'erDiagram\n  USER ||--o{ ORDER : places'
  ]) {
    assert.ok(isSafeDiagram(source), source);
  }
});

test('what could load, link, style or run is shown as its source', () => {
  for (const line of [
    '%%{init: {"themeCSS": "@import url(http://evil.example/x)"}}%%',
    'click A "https://evil.example"',
    'click A callback "x"',
    '  style A fill:url(#x)',
    'classDef x background:red',
    'A["<img src=x onerror=alert(1)>"]',
    'A["&lt;img src=x&gt;"]',
    'A["#60;img src=x#62;"]',
    'A@{ img: "x.png" }',
    'A["$$x$$"]',
    'A["\\u003cimg"]',
    'href A "x"',
    'links Ann: {"Evil": "x"}',
    'A["//evil.example/x"]',
    'properties A: {"icon": "https:evil.example/x.png"}',
    'A-->B;properties A: {"icon": "/x.png"}',
    "A-->B;style A mask-image:image-set('https:evil.example/x' 1x)",
    'A-->B; click A call run()'
  ]) {
    assert.ok(!isSafeDiagram(`graph TD\n${line}\n`), line);
    assert.ok(!isSafeDiagram(`${line}\ngraph TD\nA-->B`), line);
  }
  assert.ok(!isSafeDiagram('---\nconfig:\n  theme: dark\n---\ngraph TD\nA-->B'));
  assert.ok(!isSafeDiagram('C4Context\nPerson(a, "b", $sprite="x")'));
  assert.ok(!isSafeDiagram(`graph TD\n${'A-->B\n'.repeat(2000)}`));
});
