"""The contract: what may come out of a case, and what is a failure."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from edge_tagger.errors import EdgeTaggerError

MAX_MESSAGE = 500  # characters


def problem_of_error(error: BaseException, allowed: type[EdgeTaggerError]) -> str | None:
    """What is wrong with an error, or None where it is as it should be: ours, and of one short line."""
    if isinstance(error, AssertionError):
        return f"a broken promise: {error}"
    if not isinstance(error, allowed):
        return f"{type(error).__name__} where only {allowed.__name__} is promised: {str(error)[:200]}"
    return _problem_of_text(str(error))


def problem_of_warnings(told: Sequence[warnings.WarningMessage]) -> str | None:
    """Our warnings are UserWarnings of one short line; those of numpy and Python are nothing for users."""
    for each in told:
        if each.category is not UserWarning:
            return f"{each.category.__name__} of {each.filename}:{each.lineno}: {each.message}"
        if problem := _problem_of_text(str(each.message)):
            return problem
    return None


def _problem_of_text(message: str) -> str | None:
    if not message:
        return "an empty message"
    if not message.isprintable():
        return f"a message with line ends, control characters or surrogates: {message[:200]!r}"
    if len(message) > MAX_MESSAGE:
        return f"a message of {len(message)} characters: {message[:200]}..."
    return None
