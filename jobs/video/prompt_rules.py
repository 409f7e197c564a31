"""What prompts may not be about: the rules of `prompt_rules.yaml`, in Chinese and English.

A word is found in several readings of a prompt: as written, with digits read as the letters that they resemble (`p0rn`), and with
single letters joined (`p o r n`). Rules find words, not meanings: what they miss, a classifier or the checks of the clip may
find.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from jobs.video.verdict import Verdict

REFUSE, REVIEW = "refuse", "review"

_FILE = Path(__file__).with_name("prompt_rules.yaml")
_KEYS = {"id", "about", "decision", "words"}
_OPTIONAL = {"with", "except"}

_LIKE_LETTERS = str.maketrans("013457@$", "oieastas")
_LOOK_ALIKES = str.maketrans("аеорсухіѕјһԁԛԝαορν", "aeopcyxisjhdqwaopv")
"""Cyrillic and Greek letters that look like Latin ones."""
_MIXED_WORD = re.compile(r"[a-z0-9@$]*(?:[a-z][0-9@$]|[0-9@$][a-z])[a-z0-9@$]*")
_SPACED_LETTERS = re.compile(r"(?<![a-z])[a-z](?:[\W_]{1,2}[a-z](?![a-z])){2,}")
_CHINESE_LETTER = re.compile(r"[\u3400-\u9fff]")
_BETWEEN_CHINESE = re.compile(r"(?<=[\u3400-\u9fff])[\W_]+(?=[\u3400-\u9fff])")


@dataclass(frozen=True)
class Rule:
    """One rule; the file describes the fields."""

    id: str
    about: str
    decision: str
    words: "Words"
    beside: "Words | None"
    exceptions: "Words | None"

    def applies(self, readings: Iterable[str], spaced: str) -> bool:
        """True if a reading of a prompt, or its joined single letters, have a word of the rule and what has to be beside it."""
        for reading in readings:
            text = self.exceptions.pattern.sub("\n", reading) if self.exceptions else reading
            if self.words.found(text, spaced) and (self.beside is None or self.beside.found(text, spaced)):
                return True
        return False


@dataclass(frozen=True)
class Words:
    """Words and phrases that are searched together."""

    pattern: re.Pattern[str]
    """All of them, the English ones as whole words."""
    inside: re.Pattern[str] | None
    """The English ones of four letters or more, anywhere: for single letters that were joined."""

    def found(self, text: str, spaced: str) -> bool:
        """True if a text has one of the words, or its joined single letters do."""
        return bool(self.pattern.search(text) or (spaced and self.inside and self.inside.search(spaced)))


def judged(prompt: str) -> Verdict:
    """Return what the rules say of a prompt."""
    readings, spaced = _readings(prompt)
    applied = [rule for rule in rules() if rule.applies(readings, spaced)]

    def about(decision: str) -> str | None:
        subjects = dict.fromkeys(rule.about for rule in applied if rule.decision == decision)
        return f"the prompt is about {' and '.join(subjects)}" if subjects else None

    refused = about(REFUSE)
    return Verdict(f"{refused}, of which no videos are made") if refused else Verdict(doubt=about(REVIEW))


@cache
def rules() -> tuple[Rule, ...]:
    """Return the rules of the file.

    Raises:
        ValueError: a rule lacks a field, has an unknown one, or an unknown decision.
    """
    return tuple(_rule(entry) for entry in yaml.safe_load(_FILE.read_text(encoding="utf-8")))


def _rule(entry: Mapping[str, Any]) -> Rule:
    if not entry.keys() >= _KEYS or entry.keys() - _KEYS - _OPTIONAL or entry["decision"] not in (REFUSE, REVIEW):
        raise ValueError(
            f"{_FILE.name}: the rule {entry.get('id')!r} needs {', '.join(sorted(_KEYS))}, may have "
            f"{', '.join(sorted(_OPTIONAL))}, and its decision is {REFUSE} or {REVIEW}"
        )
    with_, except_ = (_words(entry[name]) if name in entry else None for name in ("with", "except"))
    return Rule(entry["id"], entry["about"], entry["decision"], _words(entry["words"]), with_, except_)


def _words(words: list[str]) -> Words:
    chinese = [re.escape(word) for word in words if _CHINESE_LETTER.search(word)]
    english = [word for word in words if not _CHINESE_LETTER.search(word)]
    whole = rf"(?<![a-z])(?:{'|'.join(map(_with_repeats, english))})(?![a-z])" if english else ""
    long = [word.rstrip("*") for word in english if len(word.rstrip("*")) >= 4 and " " not in word]
    inside = re.compile("|".join(map(re.escape, long))) if long else None
    return Words(re.compile("|".join(filter(None, [*chinese, whole]))), inside)


def _with_repeats(word: str) -> str:
    """Return the pattern of an English word or phrase: any letter may be repeated, and a final * stands for any ending."""
    parts = {" ": r"[\W_]+", "*": "[a-z]*"}
    return "".join(parts.get(letter) or f"{re.escape(letter)}+" for letter in word)


def _readings(prompt: str) -> tuple[list[str], str]:
    """Return the readings of a prompt, and its single letters joined (runs of them, with blanks between runs)."""
    decomposed = unicodedata.normalize("NFKD", prompt).casefold().translate(_LOOK_ALIKES)
    plain = "".join(c for c in decomposed if unicodedata.category(c) not in ("Mn", "Cf"))
    plain = _BETWEEN_CHINESE.sub("", plain)
    with_letters = _MIXED_WORD.sub(lambda match: match[0].translate(_LIKE_LETTERS), plain)
    spaced = " ".join(re.sub(r"[\W_]", "", match[0]) for match in _SPACED_LETTERS.finditer(with_letters))
    return list(dict.fromkeys([plain, with_letters])), spaced
