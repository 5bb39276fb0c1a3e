"""The gallery: a static site of releases, made of their files alone.

    entries.py     what the list knows of each release
    overview.py    the page that lists them
    model_page.py  the page of one model, made of the sections below
    program.py     its program: tables for the interpreter in the page, and an example
    circuit.py     its circuit: the picture (svg.py), and tables of all parts
    recordings.py  runs of its model: attention, edges patched by degrees
    claims.py      its certificate: what is proven, what was checked and what sampled
    board.py       the leaderboard; board_tables.py by kind and by model
    markup.py      HTML in which all text is escaped
    markdown.py    the Markdown of cards as HTML
    folder.py      the folder of a site: what may be replaced, and what not
    site.py        all of it: `zoo.site`
    assets/        style sheet and scripts, copied as they are

A page asks nothing of any other server: scripts, styles and data are beside it, and its
content security policy forbids the rest. It opens from a disk, without a server.
"""
