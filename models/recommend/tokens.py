"""Words of titles and tags, Chinese ones found by jieba."""

import logging
from collections.abc import Iterator

import jieba

jieba.setLogLevel(logging.WARNING)


def tokens(text: str) -> list[str]:
    """Words and numbers of a text in lower case, without punctuation.

    Chinese is written without spaces: jieba finds its words by dictionary. Its model for unknown words is left out, since it
    joins neighbouring words that the dictionary does not know.
    """
    return list(_tokens(text.lower()))


def _tokens(text: str) -> Iterator[str]:
    for part in text.split():
        words = [part] if part.isascii() and part.isalnum() else jieba.cut(part, HMM=False)
        yield from (word for word in words if word.isalnum())
