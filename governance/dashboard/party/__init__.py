"""The pages of the Party's figures: the overview, the rows behind its numbers, and both as files."""
