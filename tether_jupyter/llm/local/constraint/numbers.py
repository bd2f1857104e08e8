"""Decimal numbers within bounds, as regular expressions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache

from tether_jupyter.errors import InvalidRequest

WHOLE_DIGITS = 15
"""Digits before the point where nothing else bounds a number, so that every reader takes it exactly."""
PLACES = 6
"""Digits after the point where the bounds ask for no more."""
EXACT_WHOLE = 9
"""Digits before the point where a number must surely differ from another: 15 digits in all do."""
EXACT_DIGITS = 15
MAX_PLACES = 40
FREE = r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?(?:[eE][-+]?[0-9]{1,2})?"
FRACTION = r"-?[0-9]+\.[0-9]*[1-9][0-9]*"
CANONICAL = r"(?:0|-?[1-9][0-9]{0,8}|-?(?:0|[1-9][0-9]{0,8})\.[0-9]{0,5}[1-9])"
"""Each number in one spelling, so that different texts are different numbers."""


@dataclass(frozen=True)
class Number:
    """What a number must be.

    The bounds are those of the schema, as Python read them, with whether the bound itself is left out.
    `fraction` is for numbers that are not whole. It is no
    multiple of those in `apart`, and none of those in `excluded`.
    """

    least: tuple[int | float, bool] | None = None
    most: tuple[int | float, bool] | None = None
    whole: bool = False
    fraction: bool = False
    factors: tuple[int | float, ...] = ()
    apart: tuple[int | float, ...] = ()
    excluded: tuple[int | float, ...] = ()

    def both(self, other: Number) -> Number | None:
        """Return what is both; `None` where nothing is."""
        lows = [bound for bound in (self.least, other.least) if bound]
        highs = [bound for bound in (self.most, other.most) if bound]
        found = Number(
            max(lows, default=None),
            min(highs, key=lambda bound: (bound[0], not bound[1]), default=None),
            self.whole or other.whole,
            self.fraction or other.fraction,
            tuple(dict.fromkeys(self.factors + other.factors)),
            tuple(dict.fromkeys(self.apart + other.apart)),
            tuple(dict.fromkeys(self.excluded + other.excluded)),
        )
        return None if found.whole and found.fraction else found

    def admits(self, value: float) -> bool:
        """Return whether a number is one, as the readers of answers check it."""
        if self.least and not (value > self.least[0] if self.least[1] else value >= self.least[0]):
            return False
        if self.most and not (value < self.most[0] if self.most[1] else value <= self.most[0]):
            return False
        whole = isinstance(value, int) or value.is_integer()
        if (self.whole and not whole) or (self.fraction and whole):
            return False
        if value in self.excluded or any(multiple(value, factor) for factor in self.apart):
            return False
        return all(multiple(value, factor) for factor in self.factors)


def multiple(value: float, factor: float) -> bool:
    """Return whether validators find that a number is a multiple of another.

    They divide, so `0.3` is no multiple of `0.1`.
    """
    if isinstance(factor, float):
        quotient = value / factor
        return math.isfinite(quotient) and int(quotient) == quotient
    return not value % factor


def limits(number: Number) -> tuple[int | float, int | float]:
    """Return the least and the greatest that are written, where the bound of one side is missing as well."""
    default = 10 ** (EXACT_WHOLE if number.excluded or number.fraction else WHOLE_DIGITS) - 1
    low, high = number.least, number.most
    room = max([default, *(10 * abs(math.ceil(bound[0])) for bound in (low, high) if bound)])
    least = above(*low, number.whole) if low else -room
    most = -above(-high[0], high[1], number.whole) if high else room
    return least, most


def above(bound: float, beyond: bool, whole: bool) -> int | float:
    """Return the least number that a bound from below takes."""
    if whole:
        rounded = math.ceil(bound)
        return rounded + 1 if beyond and rounded == bound else rounded
    if isinstance(bound, int) and abs(bound) > 2**53:
        return math.nextafter(float(bound), math.inf) if beyond or float(bound) < bound else float(bound)
    return math.nextafter(bound, math.inf) if beyond else bound


def exact(value: float) -> Fraction:
    """Return the number that is written for a value: the shortest that is read as this one."""
    return Fraction(repr(value))


def expression(number: Number) -> str:
    """Return the numbers within the bounds, with no regard to `factors`; empty for none.

    A text above the text of a bound is read as a number that is not below the bound, since rounding keeps
    the order.
    """
    if not (
        number.least or number.most or number.whole or number.fraction or number.excluded or number.apart
    ):
        return FREE
    least, most = map(exact, limits(number))
    bounds = [bound[0] for bound in (number.least, number.most) if bound]
    most_places = MAX_PLACES
    if number.excluded or number.fraction:
        most_places = max(0, EXACT_DIGITS - len(str(int(max(abs(least), abs(most))))))
    places = 0 if number.whole else min(most_places, max([PLACES, *map(decimals, bounds)]))
    while True:
        scale = 10**places
        low, high = math.ceil(least * scale), math.floor(most * scale)
        if low <= high or number.whole or places >= most_places or least > most:
            break
        places = min(2 * places, most_places)
    parts = [f"-(?:{negative})"] if (negative := between(max(1, -high), -low, places)) else []
    if positive := between(max(0, low), high, places):
        parts.append(positive)
    return f"(?:{'|'.join(parts)})" if parts else ""


def decimals(bound: float) -> int:
    """Return how many digits a bound has after its point."""
    denominator, places = exact(bound).denominator, 0
    while denominator > 1 and places < MAX_PLACES:
        denominator, places = denominator // math.gcd(denominator, 10), places + 1
    return places


def between(low: int, high: int, places: int) -> str:
    """Return the numbers from `low` to `high`, neither negative, both counted in units of the last place."""
    parts: list[str] = []
    full: list[int] = []
    digits = 1
    while 10 ** (digits - 1 + places) <= high or digits == 1:
        bottom = 0 if digits == 1 else 10 ** (digits - 1 + places)
        top = 10 ** (digits + places) - 1
        if digits > 1 and low <= bottom and top <= high:
            full.append(digits - 1)
        elif max(low, bottom) <= min(high, top):
            parts.append(same_width(str(max(low, bottom)), str(min(high, top)), digits, places))
        digits += 1
    if full:
        fraction = rf"(?:\.[0-9]{{1,{places}}})?" if places else ""
        parts.append(f"[1-9][0-9]{{{full[0]},{full[-1]}}}{fraction}")
    return f"(?:{'|'.join(parts)})" if parts else ""


def same_width(low: str, high: str, digits: int, places: int) -> str:
    """Return the numbers between two, with as many digits before the point."""
    width = digits + places
    low, high = low.zfill(width), high.zfill(width)

    @cache
    def rest(at: int, tied_low: bool, tied_high: bool) -> str:
        """Return what follows the first digits, which may still be those of a bound."""
        if at == width:
            return ""
        point = r"\." if at == digits else ""
        tied_low = tied_low and bool(low[at:].strip("0"))
        tied_high = tied_high and bool(high[at:].strip("9"))
        if not tied_low and not tied_high:
            free = f"(?:{point}[0-9]{{1,{width - max(at, digits)}}})?" if places and at >= digits else ""
            if at < digits:
                fraction = rf"(?:\.[0-9]{{1,{places}}})?" if places else ""
                free = f"[0-9]{{{digits - at}}}{fraction}"
            return free
        first = int(low[at]) if tied_low else 0
        last = int(high[at]) if tied_high else 9
        choices: dict[str, list[int]] = {}
        for digit in range(first, last + 1):
            after = rest(at + 1, tied_low and digit == first, tied_high and digit == last)
            choices.setdefault(after, []).append(digit)
        body = "|".join(f"[{''.join(map(str, found))}]{after}" for after, found in choices.items())
        if at >= digits:
            stops = not tied_low or not low[at:].strip("0")
            return f"(?:{point}(?:{body}))?" if stops else f"{point}(?:{body})"
        return f"(?:{body})"

    return rest(0, True, True)


def without(number: Number) -> str:
    """Return the spellings of the numbers that are left out; empty for none."""
    return "|".join(dict.fromkeys([*map(spellings, number.excluded), *map(endings, number.apart)]))


def endings(factor: float) -> str:
    """Return the whole numbers that are multiples of a factor whose multiples are known by their last digits.

    Raises
    ------
    InvalidRequest
        It is another factor.
    """
    digits = (
        next((count for count in range(1, 4) if not 10**count % factor), 0) if factor == int(factor) else 0
    )
    if not digits:
        raise InvalidRequest(
            f"The local model cannot keep `multipleOf` {factor} inside `not` or an overlapping `oneOf`."
        )
    found = [str(multiple) for multiple in range(0, 10**digits, int(factor))]
    long = "|".join(each.zfill(digits) for each in found)
    return rf"-?(?:[0-9]*(?:{long})|{'|'.join(found)})"


def spellings(value: float) -> str:
    """Return every decimal spelling of a number."""
    whole, fraction = decimal(value)
    sign = "-?" if not value else "-" if value < 0 else ""
    return rf"{sign}{whole}\.{fraction}0*" if fraction else rf"{sign}{whole}(?:\.0+)?"


def decimal(value: float) -> tuple[str, str]:
    """Return the digits of a number before and after its point."""
    number = abs(exact(value))
    places = decimals(value)
    digits = str(number.numerator * 10**places // number.denominator).zfill(places + 1)
    whole, fraction = (digits[:-places], digits[-places:]) if places else (digits, "")
    return whole, fraction.rstrip("0")


@lru_cache(maxsize=256)
def multiples(number: Number, most: int) -> list[int | float] | None:
    """Return all numbers within the bounds that are multiples of each factor; `None` for more than `most`."""
    step = common_step(number.factors) if number.factors else Fraction(1)
    if not number.factors and not number.whole:
        return None
    if number.whole:
        step = common_step((*number.factors, 1))
    least, most_value = map(exact, limits(number))
    first, last = math.ceil(least / step), math.floor(most_value / step)
    if last - first >= most:
        return None
    found = (as_number(count * step) for count in range(first, last + 1))
    return [value for value in found if number.admits(value)]


def small_multiples(number: Number, most: int) -> list[int | float]:
    """Return the multiples that are closest to zero, or to the bounds."""
    step = common_step(number.factors)
    least, greatest = map(exact, limits(number))
    start = max(math.ceil(least / step), min(0, math.floor(greatest / step)))
    found = []
    for away in range(most):
        for count in {start + away, start - away}:
            value = as_number(count * step)
            if least <= exact(value) <= greatest and number.admits(value):
                found.append(value)
    return found


def common_step(factors: tuple[int | float, ...]) -> Fraction:
    """Return the least number that is a multiple of all factors."""
    found = Fraction(1) if not factors else exact(factors[0])
    for factor in factors[1:]:
        other = exact(factor)
        denominator = math.gcd(found.denominator, other.denominator)
        found = Fraction(math.lcm(found.numerator, other.numerator), denominator)
    return found


def as_number(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)


def whole_step(number: Number) -> int | None:
    """Return the step of the whole numbers that are surely multiples of all factors; `None` if none are sure.

    The quotient of a whole number by a factor that is rounded in binary comes out whole as long as the
    rounding is at most half of what a float can tell apart.
    """
    for factor in number.factors:
        written, read = exact(factor), Fraction(factor)
        if abs(read - written) / written > Fraction(1, 2**54):
            return None
    return common_step((*number.factors, 1)).numerator


def halves(number: Number) -> str:
    """Return the decimals of a factor such as `0.25`, whose multiples are exact in binary; empty for none."""
    if len(number.factors) != 1:
        return ""
    step = exact(number.factors[0])
    if step.numerator != 1 or step.denominator & (step.denominator - 1) or step.denominator > 64:
        return ""
    found = {decimal(float(step * count))[1] for count in range(step.denominator)}
    return rf"-?[0-9]+(?:\.(?:{'|'.join(sorted(text for text in found if text))})0*)?"
