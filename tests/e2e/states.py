"""A model that knows by the question what to do, so that every state of the panel can be held still.

`QUESTIONS` has one for each: `queue`, `think`, `write`, `wait` and `stop` go on for ever; `fail`, `break`,
`full` and `large` end as their names say; the others are answered at once. `PANEL say>>words<<` says the
words in pieces of three characters.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

from tether_jupyter.core import events
from tether_jupyter.core.events import Event
from tether_jupyter.core.prompt import Prompt, text_of
from tether_jupyter.errors import ContextOverflow, ModelNotReady, UpstreamError
from tether_jupyter.llm.mock import MockService

BACKEND = "tests.e2e.states:Staged"
QUESTIONS = {
    "queue": "Is it my turn yet?",
    "think": "Why does the join double my rows?",
    "write": "How do I see that a key stands twice?",
    "wait": "Which column has the most gaps?",
    "stop": "Tell me all about joins",
    "long": "Go through all parts of the table",
    "code": "Read the orders and count them by month",
    "maths": "How is the variance computed?",
    "image": "Draw the amounts",
    "fail": "What is in the first row?",
    "break": "Explain the left join",
    "full": "Here is my whole log, what is wrong?",
    "large": "What is a median?",
}
SAID = re.compile(r"PANEL say>>(.*)<<", re.S)
PIECE = 3

HALF = """The join keeps **every row of the left table**, so a key that stands twice at the right doubles it:

```python
joined = orders.merge(people, on="id", how="left", validate="many_to_one")
```

`validate` raises as soon as"""

CODE = """Three steps. First read it, with the types that it has:

```python
import pandas as pd

orders = pd.read_csv("orders.csv", dtype={"id": "string", "amount": "float64"}, parse_dates=["ordered_at"])
```

Then clean it:

```python
orders = orders.dropna(subset=["id"]).drop_duplicates("id", keep="last")
orders["month"] = orders["ordered_at"].dt.to_period("M")
```

And count, in a shell or in SQL:

```bash
python -m pip install duckdb
```

```sql
select month, count(*) as n, sum(amount) as total from orders group by month order by month
```"""

MATHS = r"""The mean of $n$ values is $\bar x = \frac{1}{n}\sum_{i=1}^{n} x_i$, and its variance

$$s^2 = \frac{1}{n-1}\sum_{i=1}^{n}\left(x_i - \bar x\right)^2
= \frac{1}{n-1}\left(\sum_{i=1}^{n} x_i^2 - n\bar x^2\right)$$

| column | type | missing | mean | standard deviation | what it is |
| --- | --- | -: | -: | -: | --- |
| amount | float64 | 3 | 41.27 | 12.05 | in euros, with tax |
| weight_in_kilograms | float64 | 120 | 2.4 | 0.9 | as the scales gave it |

1. The first is skewed.
2. The second has a gap."""

IMAGE = """Here is the picture of it: ![a histogram of amounts](https://example.org/charts/amounts.png) and a
[link to the manual](https://pandas.pydata.org/docs/user_guide/visualization.html)."""

PARAGRAPH = """## Part {n}

Averages hide **groups**: part {n} of the table has other rows than the rest; `df.groupby("part")` shows it.

- what is missing
- what is double
"""

LARGE = (
    "qwen3-32b-q4_k_m.gguf does not fit: it needs about 21 GB (19 GB of weights, 1.9 GB for 8192 tokens of "
    "context), and 11 GB are free. Choose a smaller file of the model, or free some memory."
)
FULL = "The question is longer than the model's context: 9,120 tokens of 8,192. Shorten it, or begin anew."
WORDS = {
    "code": CODE,
    "maths": MATHS,
    "image": IMAGE,
    "long": "\n".join(PARAGRAPH.format(n=n) for n in range(1, 41)),
}
FAILURES = {
    "fail": UpstreamError("The model's server refused the request.", hint="Try again in a moment."),
    "full": ContextOverflow(FULL),
    "large": ModelNotReady(LARGE),
}


class Staged(MockService):
    """Runs in the server."""

    model_name = "qwen3-4b"

    async def _play(self, prompt: Prompt) -> AsyncIterator[Event]:
        question = text_of(prompt.messages[-1]["content"])
        what = next((name for name, words in QUESTIONS.items() if words in question), "say")
        if what in FAILURES:
            raise FAILURES[what]
        if what == "queue":
            yield events.queued(2)
        elif what == "think":
            yield events.thinking("The user joins two tables. A key that stands twice doubles a row. ")
        elif what == "say":
            # Between pieces the page has time to show what is half there.
            text = (SAID.findall(question) or ["A short answer."])[-1]
            for start in range(0, len(text), PIECE):
                yield events.delta(text[start : start + PIECE])
                await asyncio.sleep(0.002)
            return
        elif what in WORDS:
            yield events.delta(WORDS[what])
            return
        elif what != "wait":
            yield events.delta(HALF)
            if what == "break":
                raise UpstreamError("The model stopped answering.", hint="What arrived is kept. Try again.")
        await asyncio.Event().wait()
