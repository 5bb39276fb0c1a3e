"""From one stage to the next, in terms of values only."""
