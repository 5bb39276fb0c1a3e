"""The roles of names in sentences of indirect object identification."""

from programs.identification import indirect_object_identification, roles_of_names

OPENING = ("after", "Ada", "and", "Bob", "left", "the", "park", ",")
ENDING = ("handed", "a", "key", "to")


def test_names_of_a_sentence_have_the_roles_of_the_literature():
    sentence = [
        "after",
        "Ada",
        "and",
        "Bob",
        "left",
        "the",
        "park",
        ",",
        "Ada",
        "handed",
        "a",
        "key",
        "to",
    ]
    found = dict(enumerate(roles_of_names(sentence)))
    assert {i: role for i, role in found.items() if role} == {
        1: "S1",
        3: "IO",
        8: "S2",
        12: "END",
    }
    assert indirect_object_identification.roles is roles_of_names


def test_a_sentence_with_a_third_name_has_an_end_only():
    sentence = [
        "after",
        "Ada",
        "and",
        "Bob",
        "left",
        "the",
        "park",
        ",",
        "Dan",
        "handed",
        "a",
        "key",
        "to",
    ]
    assert {role for role in roles_of_names(sentence) if role} == {"END"}
