"""What must always be true of the tables, and how to look: `manage.py check_invariants`.

The checks are plain SQL over the tables. None of what writes them is asked, so that a fault there cannot
vouch for itself; of the code they know only the table of transitions, which queries nothing. Repairs are
kept apart (`repairs`) and go through actions, as every write does.
"""
