"""The stages of a program before it has components: graph, domains, typed."""
