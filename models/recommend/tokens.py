"""Tokenizer of titles and tags; Chinese text is segmented by jieba."""

import logging
from collections.abc import Iterator

import jieba

jieba.setLogLevel(logging.WARNING)


def tokens(text: str) -> list[str]:
    """Return the words and numbers of a text in lower case, without punctuation.

    Chinese has no spaces: jieba finds the words by dictionary. Its HMM for unknown words is off, because it joins neighbouring
    words that are not in the dictionary.
    """
    return list(_tokens(text.lower()))


def _tokens(text: str) -> Iterator[str]:
    for part in text.split():
        words = [part] if part.isascii() and part.isalnum() else jieba.cut(part, HMM=False)
        yield from (word for word in words if word.isalnum())
