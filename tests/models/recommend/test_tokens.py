"""Tokens of titles and tags."""

from models.recommend.tokens import tokens


def test_chinese_is_segmented_into_words() -> None:
    assert tokens("今天去旅游，吃美食！") == ["今天", "去", "旅游", "吃", "美食"]


def test_latin_words_and_ids_are_not_split_and_punctuation_is_dropped() -> None:
    assert tokens("My CAT 39 旅游 #5!") == ["my", "cat", "39", "旅游", "5"]
    assert tokens(" 、。 ") == []
