"""`make chaos`: orders live through a portal whose processes and servers are killed all the time.

At the end the tables must keep every promise (`governance.invariants`), and no order may be missing of which
a reporter was told.
"""
