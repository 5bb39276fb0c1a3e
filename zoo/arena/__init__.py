"""A model that nobody has seen, behind calls: an agent explains it, a judge runs it.

    models       the hidden model of a kind and a seed
    calls        what an agent may ask: typed messages with bounds and prices
    session      one model, one budget, one log, one submission
    judging      the verdict, by execution
    record       the log; `replay` runs it again
    json_lines, http, mcp_tools    the ways in; all of them ask the session
    agents       scripted agents, as baselines

An agent's process sees answers to calls, and nothing else of the model.
"""
