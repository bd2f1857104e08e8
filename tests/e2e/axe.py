"""axe-core over a part of a page, and whether what is in it stays inside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parents[2] / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")

# What sticks out of the panel at a side, unless something around it scrolls or hides it.
OUTSIDE = """selector => {
  const panel = document.querySelector(selector);
  const edge = panel.getBoundingClientRect();
  const clipped = element => {
    for (let at = element.parentElement; at && at !== panel; at = at.parentElement) {
      if (/auto|scroll|hidden|clip/.test(getComputedStyle(at).overflowX)) {
        return true;
      }
    }
    return false;
  };
  const name = element => `${element.localName}.${String(element.className.baseVal ?? element.className)}`;
  const found = [];
  for (const element of panel.querySelectorAll('*')) {
    const box = element.getBoundingClientRect();
    if (!box.width || !box.height || getComputedStyle(element).visibility === 'hidden') {
      continue;
    }
    if ((box.left < edge.left - 1 || box.right > edge.right + 1) && !clipped(element)) {
      found.push(`${name(element)} is outside`);
    }
    // What is wider than its place, where nobody can scroll to the rest of it and no dots stand for it.
    const style = getComputedStyle(element);
    const hidden = /hidden|clip/.test(style.overflowX) && style.textOverflow !== 'ellipsis';
    const spoken = style.clipPath !== 'none' || style.clip !== 'auto' || box.width <= 1;
    if (hidden && !spoken && element.scrollWidth > element.clientWidth + 1 && element.localName !== 'svg') {
      found.push(`${name(element)} hides ${element.scrollWidth - element.clientWidth} px`);
    }
  }
  if (panel.scrollWidth > panel.clientWidth) {
    found.push(`the panel scrolls by ${panel.scrollWidth - panel.clientWidth} px`);
  }
  return found;
}"""

# Controls and lines of text of which one lies over another, neither being around the other; what floats may.
OVERLAPS = """selector => {
  const panel = document.querySelector(selector);
  const parts = [...panel.querySelectorAll('button, textarea, input, select, a, h1, h2, h3, p, li, summary')];
  const floats = at => {
    for (; at && at !== panel; at = at.parentElement) {
      if (/absolute|fixed|sticky/.test(getComputedStyle(at).position)) return true;
    }
    return false;
  };
  // The lines that an element stands in, as far as what is around it lets them be seen.
  const lines = element => {
    let cut = panel.getBoundingClientRect();
    let [left, top, right, bottom] = [cut.left, cut.top, cut.right, cut.bottom];
    for (let at = element.parentElement; at && panel.contains(at); at = at.parentElement) {
      if (getComputedStyle(at).overflow !== 'visible') {
        cut = at.getBoundingClientRect();
        [left, top] = [Math.max(left, cut.left), Math.max(top, cut.top)];
        [right, bottom] = [Math.min(right, cut.right), Math.min(bottom, cut.bottom)];
      }
    }
    return [...element.getClientRects()].map(box => ({
      left: Math.max(left, box.left), right: Math.min(right, box.right),
      top: Math.max(top, box.top), bottom: Math.min(bottom, box.bottom)
    })).filter(box => box.right - box.left > 1 && box.bottom - box.top > 1);
  };
  const seen = parts.filter(element =>
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) &&
    getComputedStyle(element).clipPath === 'none' && !floats(element)
  ).map(element => ({ element, boxes: lines(element) }));
  const touch = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;
  const name = one => `${one.localName}.${one.className} "${(one.textContent || '').slice(0, 20)}"`;
  const found = [];
  seen.forEach((a, i) => seen.slice(i + 1).forEach(b => {
    const around = a.element.contains(b.element) || b.element.contains(a.element);
    if (!around && a.boxes.some(one => b.boxes.some(other => touch(one, other)))) {
      found.push(`${name(a.element)} and ${name(b.element)}`);
    }
  }));
  return found;
}"""


def grave(page: Any, selector: str) -> list[str]:
    """Return the serious and critical violations below a selector, a line for each rule."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(SOURCE.read_text(encoding="utf-8"))
    found = page.evaluate(
        """async selector => {
          const { violations } = await axe.run(selector, { resultTypes: ['violations'] });
          const short = node => [node.html.slice(0, 160), node.failureSummary];
          return violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map(short) }));
        }""",
        selector,
    )
    return [f"{each['id']}: {each['nodes'][:3]}" for each in found if each["impact"] in GRAVE]


def outside(page: Any, selector: str) -> list[str]:
    """Return what sticks out of the panel, or is wider than its place and cannot be scrolled to."""
    return list(page.evaluate(OUTSIDE, selector))


def overlapping(page: Any, selector: str) -> list[str]:
    """Return pairs of controls or texts that lie over each other."""
    return list(page.evaluate(OVERLAPS, selector))
