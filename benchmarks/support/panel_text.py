"""What the panel is given to show: rich Markdown, and the conversation above it."""

from __future__ import annotations

from itertools import pairwise

SECTIONS = 54
END = "The last line of it."

SECTION = r"""## Part {n}: grouping

The **mean** of `col_{n}` is taken *per group*, and rows without a value are left out first.

| key | n | mean |
| --- | -: | -: |
| a | {n} | 1.5 |
| b | 7 | 2.25 |

```python
part = df.groupby("key")["col_{n}"]
print(part.mean().round(2))
```

$$\bar x_{{{n}}} = \frac{{1}}{{n}}\sum_{{i=1}}^{{n}} x_i$$

- first, look at the types
- then at the *empty* ones

"""


def rich(sections: int = SECTIONS) -> str:
    """Return Markdown of headings, paragraphs, tables, code, mathematics and lists."""
    return "".join(SECTION.format(n=number) for number in range(1, sections + 1)) + END


def pieces(text: str, count: int) -> list[str]:
    """Cut a text into so many pieces, as even as they can be."""
    cuts = [round(len(text) * number / count) for number in range(count + 1)]
    return [text[start:end] for start, end in pairwise(cuts) if end > start]


def said(number: int) -> str:
    """Return the words of a message of a long conversation: now and then with a table or code in it."""
    if number % 2 == 0:
        return f"Question {number}: why is the total of column {number} not what I expect?"
    answer = (
        f"Answer {number}. The column holds **strings**, so `sum` joins them. Convert it, then add it up."
    )
    if number % 10 == 1:
        code = f'df["c{number}"] = df["c{number}"].astype(float)\nprint(df["c{number}"].sum())'
        answer += f"\n\n```python\n{code}\n```"
    if number % 20 == 5:
        answer += "\n\n| type | rows |\n| --- | -: |\n| str | 12 |\n| float | 80 |"
    if number % 20 == 15:
        answer += "\n\nThe mean is $\\bar x = \\frac{1}{n}\\sum x_i$.\n\n- look\n- convert\n- add"
    return answer
