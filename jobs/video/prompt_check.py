"""Which texts are prompts."""

import unicodedata

LONGEST_PROMPT = 500
"""Characters."""


def refusal(text: str) -> str | None:
    """Return why a text is no prompt, or None if it is one."""
    if not text.strip():
        return "the prompt is empty; describe what the video should show"
    if len(text) > LONGEST_PROMPT:
        return f"the prompt has {len(text):,} characters; use at most {LONGEST_PROMPT}"
    if hidden := next(
        (c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn"} and c != "\u200d"), None
    ):
        return f"the prompt contains the invisible character U+{ord(hidden):04X}; remove it"
    if not any(character.isalnum() for character in text):
        return "the prompt has no words; describe what the video should show"
    return None
