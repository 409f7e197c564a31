"""Which texts are prompts, and which of them are refused or doubtful, for `make video` and for all requests of a night."""

import unicodedata
from collections import Counter

from jobs.video import prompt_rules
from jobs.video.verdict import Verdict

LONGEST_PROMPT = 500
"""Characters, after `normalized`."""

AUTO, CHINESE, ENGLISH, OTHER = "auto", "zh", "en", "other"

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_EMOJI_JOINER = "\u200d"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ENGLISH_WORDS = _words("a an and at by from in into is of on over the through to under with")
# Of German, French, Spanish, Italian, Portuguese, Dutch, Indonesian and Vietnamese.
_OTHER_WORDS = _words("""
    auf das dem den der des ein eine einem einen einer im ist mit und vom von zum zur über
    au aux avec dans de du est et la le les sous sur un une
    bajo con del el en entre hacia las lo los para por que sobre una
    che da dal della di gli il nel nella sotto sul sulla
    ao dos em na nos num numa os pela pelo sob uma
    een het met naar op van voor
    dan dari dengan di ke pada sebuah seekor yang
    bên các của những trên trong và với một
""")


def normalized(text: str) -> str:
    """Return the text in Unicode's composed form (NFC), with one blank for each run of blanks, tabs and line breaks."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def check(prompt: str, declared: str = AUTO) -> Verdict:
    """Return what is wrong with a text: it is no prompt, or the rules refuse or doubt what it is about.

    Args:
        prompt: a normalized text.
        declared: the language that its author gave, see `language_of`.
    """
    reason = refusal(prompt, declared)
    return prompt_rules.judged(prompt) if reason is None else Verdict(reason)


def refusal(prompt: str, declared: str = AUTO) -> str | None:
    """Return why a text is no prompt, or None if it is one.

    Args:
        prompt: a normalized text.
        declared: the language that its author gave, see `language_of`.
    """
    if not prompt:
        return "the prompt is empty; describe what the video should show"
    if len(prompt) > LONGEST_PROMPT:
        return f"the prompt has {len(prompt):,} characters; use at most {LONGEST_PROMPT}"
    hidden = next((c for c in prompt if unicodedata.category(c) in _HIDDEN and c != _EMOJI_JOINER), None)
    if hidden is not None:
        return f"the prompt contains the invisible character U+{ord(hidden):04X}; remove it"
    if not any(character.isalpha() for character in prompt):
        return "the prompt has no words; describe what the video should show"
    if language_of(prompt, declared) == OTHER:
        return "the prompt is in another language than Chinese and English, the languages that the generators read"
    return None


def language_of(prompt: str, declared: str = AUTO) -> str:
    """Return the language of a prompt: `zh`, `en` or `other`.

    Most letters of a prompt must be Chinese characters or Latin letters; it is Chinese if it has a Chinese character. A prompt in
    Latin letters is English unless it has two or more function words of other languages, and more than of English, or if its
    author declared it as English.
    """
    scripts = Counter(_script(character) for character in prompt if character.isalpha())
    if scripts[CHINESE] + scripts[ENGLISH] <= scripts[OTHER]:
        return OTHER
    if scripts[CHINESE]:
        return CHINESE
    words = set(prompt.lower().split())
    others = len(words & _OTHER_WORDS)
    return OTHER if declared == AUTO and others >= 2 and others > len(words & _ENGLISH_WORDS) else ENGLISH


def _script(letter: str) -> str:
    """Return the language that is written with a letter; `en` for all Latin letters."""
    name = unicodedata.name(letter, "")
    if name.startswith("CJK "):
        return CHINESE
    return ENGLISH if name.startswith(("LATIN ", "FULLWIDTH LATIN ")) else OTHER
