"""Sums written out the way a careful person does them on paper.

A tiny network cannot add 347 and 85 in its head, but it can look up 7+5 and
copy digits. So every routine here goes one column at a time, from the right,
names the carry inside the next column and repeats the result so far after
"write". Each problem family calls the same few routines, so what is learned
in one serves all. Every function returns (text, result).
"""

from __future__ import annotations


def add(a: int, b: int) -> tuple[str, int]:
    """Add two numbers of any length; the shorter one is padded with zeros."""
    n = max(len(str(a)), len(str(b)))
    x, y = str(a).zfill(n), str(b).zfill(n)
    steps, done, carry = [], "", 0
    for i in reversed(range(n)):
        s = int(x[i]) + int(y[i]) + carry
        tail = "+1" if carry else ""
        carry = s // 10
        done = (str(s) if i == 0 else str(s % 10)) + done
        steps.append(f"{x[i]}+{y[i]}{tail}={s}, write {done}")
    return f"{x}+{y}: {'; '.join(steps)}. So {a + b}.", a + b


def _columns_down(x: str, y: str) -> tuple[str, int]:
    """Columns of x - y for equal lengths, and the borrow left at the end."""
    steps, done, borrow = [], "", 0
    for i in reversed(range(len(x))):
        p, q = int(x[i]), int(y[i])
        tail = "-1" if borrow else ""
        if p - q - borrow < 0:
            d = 10 + p - q - borrow
            head = f"{p}-{q}{tail}, borrow, 1{p}-{q}{tail}={d}"
            borrow = 1
        else:
            d = p - q - borrow
            head = f"{p}-{q}{tail}={d}"
            borrow = 0
        done = str(d) + done
        steps.append(f"{head}, write {done}")
    return f"{x}-{y}: {'; '.join(steps)}.", borrow


def subtract(a: int, b: int) -> tuple[str, int]:
    """Subtract; a borrow left over means the other way round, with a minus."""
    n = max(len(str(a)), len(str(b)))
    x, y = str(a).zfill(n), str(b).zfill(n)
    text, borrow = _columns_down(x, y)
    if borrow:
        again, _ = _columns_down(y, x)
        text = f"{text} A borrow is left, so turn it round. {again}"
    return f"{text} So {a - b}.", a - b


def times_digit(a: int, d: int) -> tuple[str, int]:
    """Multiply a number by one digit, without the closing 'So'."""
    x = str(a)
    steps, done, carry = [], "", 0
    for i in reversed(range(len(x))):
        product = int(x[i]) * d
        s = product + carry
        tail = "" if i == len(x) - 1 else f", +{carry}={s}"
        carry = s // 10
        done = (str(s) if i == 0 else str(s % 10)) + done
        steps.append(f"{x[i]}*{d}={product}{tail}, write {done}")
    return f"{a}*{d}: {'; '.join(steps)}.", a * d


def multiply(a: int, b: int) -> tuple[str, int]:
    """Multiply; the factor with fewer digits has one or two of them."""
    if len(str(b)) > len(str(a)):
        a, b = b, a
    if b < 10:
        text, result = times_digit(a, b)
        return f"{text} So {result}.", result
    tens, units = divmod(b, 10)
    upper, high = times_digit(a, tens)
    upper = f"{upper} With a zero {high * 10}."
    if units == 0:
        return f"{upper} So {high * 10}.", a * b
    lower, low = times_digit(a, units)
    total, result = add(low, high * 10)
    return f"{lower} {upper} {total}", result


def divide(n: int, d: int, decimal: bool = False) -> tuple[str, str, int]:
    """Long division by a small number: (text, quotient, rest).

    With `decimal` a quotient that is not whole is rounded to one place, and
    the next digit says which way.
    """
    steps, done, rest = [], "", 0
    for digit in str(n):
        part = rest * 10 + int(digit)
        q, rest = divmod(part, d)
        done += str(q)
        steps.append(f"{part}/{d}={q} remainder {rest}, write {done}")
    text = f"{n}/{d}: {'; '.join(steps)}."
    whole = n // d
    if rest == 0:
        return f"{text} So {whole}.", str(whole), 0
    if not decimal:
        return f"{text} So {whole} remainder {rest}.", str(whole), rest
    first, left = divmod(rest * 10, d)
    second = left * 10 // d
    way = "up" if second >= 5 else "down"
    shown = first + (second >= 5)
    if shown == 10:
        raise ValueError("rounding would carry into the whole part")
    exact = left == 0
    close = "exactly" if exact else f"then {left * 10}/{d}={second}, round {way}"
    text += f" {rest * 10}/{d}={first} remainder {left}, {close}."
    return f"{text} So {whole}.{shown}.", f"{whole}.{shown}", rest


def hundredth(product: int) -> tuple[str, str]:
    """Divide by 100 by moving the point in a number of five digits."""
    moved = f"{product // 100:03}.{product % 100:02}"
    right = f"{product % 100:02}".rstrip("0")
    result = f"{product // 100}.{right}" if right else str(product // 100)
    return f"{product:05}/100={moved}. So {result}.", result
