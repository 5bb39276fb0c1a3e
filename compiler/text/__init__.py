"""RASP text: the language of Weiss et al. 2021 as its users write it.

    text --parse--> syntax tree --evaluate--> expressions of `compiler.rasp`

`read_program` returns the program of a text, and `print_program` the text of a program.
`docs/rasp.md` describes the language.
"""
